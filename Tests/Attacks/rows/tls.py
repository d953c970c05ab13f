"""Row 35: TLS."""

from __future__ import annotations

import datetime
import ssl
import time
import warnings
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from arena import frames, openssl
from arena.peer import tls
from arena.stage import Stage, TurnedAway, attack

INLINE = frames.head(frames.ECHO + "Inline")
GREETING = frames.PREFACE + frames.settings()


def context(stage: Stage, protocols: tuple[str, ...] = ("h2",), **attributes: object) -> ssl.SSLContext:
    made = tls(stage.place.authority.file, protocols)
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


def serves(stage: Stage, made: ssl.SSLContext, **options: object) -> bool:
    """Whether a call is answered over such a connection."""
    try:
        with stage.connect(context=made, decodes=True, **options) as peer:
            return peer.call(1, INLINE, frames.echo(), 3).status == 0
    except TurnedAway:
        return False


@attack(35, "old-versions", seconds=0.5)
def old_versions(stage: Stage) -> str:
    """TLS 1.0 and 1.1 are refused by an alert of the server's; 1.2 and 1.3 are taken."""
    warnings.simplefilter("ignore", DeprecationWarning)
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        made = context(stage)
        made.set_ciphers("ALL:@SECLEVEL=0")
        made.minimum_version = made.maximum_version = version
        try:
            stage.connect(context=made).close()
            stage.expect(False, f"{version.name} is taken")
        except TurnedAway as error:
            stage.expect("alert" in str(error).lower(), f"{version.name}: {error}")
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        made = context(stage)
        made.minimum_version = made.maximum_version = version
        stage.expect(serves(stage, made), f"{version.name} is not served")
    return "alert"


WEAK = (
    "AES128-SHA", "AES256-SHA", "AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384",
    "DHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-NULL-SHA", "AECDH-AES128-SHA", "ADH-AES128-GCM-SHA256", "CAMELLIA128-SHA",
    "ECDHE-ECDSA-AES128-CCM8", "ECDHE-ECDSA-CAMELLIA128-SHA256",
)  # fmt: skip


@attack(35, "weak-ciphers", seconds=0.5)
def weak_ciphers(stage: Stage) -> str:
    """Without forward secrecy, authentication or an AEAD (RFC 9113, appendix A): refused each, by the server."""
    tried = 0
    for cipher in WEAK:
        made = context(stage, maximum_version=ssl.TLSVersion.TLSv1_2)
        try:
            made.set_ciphers(f"{cipher}:@SECLEVEL=0")
        except ssl.SSLError:
            # Not in this OpenSSL: nor can the server have it.
            continue
        tried += 1
        try:
            stage.connect(context=made).close()
            stage.expect(False, f"{cipher} is taken")
        except TurnedAway as error:
            stage.expect("alert" in str(error).lower(), f"{cipher}: {error}")
    stage.expect(tried >= 8, f"only {tried} ciphers could be tried")
    return f"alert({tried})"


@attack(35, "alpn", seconds=0.5)
def alpn(stage: Stage) -> str:
    """None, a wrong one, and h2 among others: only the last is served."""
    for protocols in ((), ("http/1.1",), ("h2c", "h3")):
        stage.expect(not serves(stage, context(stage, protocols)), f"ALPN {protocols} is served")
    stage.expect(serves(stage, context(stage, ("h3", "h2", "http/1.1"))), "h2 among others is not served")
    return "refused"


@attack(35, "sni-missing", seconds=0.5)
def sni_missing(stage: Stage) -> str:
    """Names are optional, and a wrong one gets the same certificate."""
    made = context(stage, check_hostname=False)
    for name in (None, "no-such-name.example", "x" * 63 + "." + "y" * 63 + ".example"):
        stage.expect(serves(stage, made, name=name), f"SNI {name} is not served")
    return "served"


@attack(35, "renegotiation", seconds=0.5)
def renegotiation(stage: Stage) -> str:
    """CVE-2009-3555 and the like: TLS 1.2 allows a new handshake, the server does not."""
    refused = 0
    for _ in range(20):
        with openssl.Session(stage.dial(), stage.place.authority.file, openssl.TLS1_2) as session:
            session.write(GREETING + frames.ping())
            stage.expect(session.read_until(b"12345678"), "the PING is not answered")
            refused += not session.renegotiate()
    stage.expect(refused == 20, f"{20 - refused} of 20 succeeded")
    return "no-renegotiation(20)"


@attack(35, "key-update-flood", seconds=2.5)
def key_updates(stage: Stage) -> str:
    """RFC 8446 §4.6.3: each makes the server derive keys and answer. A few are let, a flood ends the connection."""
    counts = []
    while stage.goes_on or not counts:
        try:
            session = openssl.Session(stage.dial(), stage.place.authority.file)
        except (TurnedAway, AssertionError):
            time.sleep(0.01)
            continue
        with session:
            session.write(GREETING + frames.ping())
            stage.expect(session.read_until(b"12345678"), "the PING is not answered")
            count = 0
            began = time.monotonic()
            while session.update_keys() and time.monotonic() < began + 2:
                count += 1
                # The server's own updates are read with what else there is.
                if count % 20 == 0 and not (session.write(frames.ping()) and session.read_until(b"12345678")):
                    break
            counts.append(count)
            stage.expect(time.monotonic() < began + 2, f"{count} in 2 s, and it goes on")
    return f"closed-after({min(counts)}..{max(counts)})/{len(counts)}conns"


@attack(35, "early-data", seconds=0.5)
def early_data(stage: Stage) -> str:
    """No ticket allows 0-RTT, so nothing can be replayed."""
    with openssl.Session(stage.dial(), stage.place.authority.file) as session:
        session.write(GREETING + frames.ping())
        stage.expect(session.read_until(b"12345678"), "the PING is not answered")
        allowed = session.with_session(lambda library, one: library.SSL_SESSION_get_max_early_data(one))
        tickets = session.with_session(lambda library, one: library.SSL_SESSION_has_ticket(one))
    stage.expect(tickets == 1, "there is no ticket")
    stage.expect(allowed == 0, f"a ticket allows {allowed} octets of early data")
    return "not-allowed"


@attack(35, "ticket-flood", seconds=2.5, share=80)
def ticket_flood(stage: Stage) -> str:
    """Resumption again and again, from one ticket: what the server keeps of sessions does not grow."""
    made = context(stage)
    resumed = away = 0
    session = None
    while stage.goes_on:
        try:
            plain = stage.dial()
        except TurnedAway:
            away += 1
            continue
        try:
            with made.wrap_socket(plain, server_hostname="localhost", session=session) as connection:
                resumed += connection.session_reused
                connection.settimeout(2)
                connection.sendall(GREETING)
                connection.recv(4096)
                session = connection.session
        except OSError:
            plain.close()
            away += 1
    stage.expect(resumed > 0, "no session was resumed")
    return f"resumed({resumed})turned-away({away})"


@attack(35, "handshake-flood", seconds=3, share=60)
def handshake_flood(stage: Stage) -> str:
    """Full handshakes from one address as fast as one client can."""
    made = away = 0
    began = time.monotonic()
    while stage.goes_on:
        try:
            plain = stage.dial()
        except TurnedAway:
            away += 1
            continue
        try:
            with stage.context.wrap_socket(plain, server_hostname="localhost"):
                made += 1
        except OSError:
            plain.close()
            away += 1
    return f"made({made},{made / (time.monotonic() - began):.0f}/s)turned-away({away})"


def client_hello(stage: Stage) -> bytes:
    """The first octets that a client says, recorded once: they cost him nothing, the server has to sign for each."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = stage.context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def hello_flood(stage: Stage, spread: int) -> str:
    hello = client_hello(stage)
    sent = answered = 0
    began = time.monotonic()
    while stage.goes_on:
        batch = []
        for number in range(64):
            try:
                batch.append(stage.dial(number * spread))
                batch[-1].send(hello)
            except (TurnedAway, OSError):
                continue
        sent += len(batch)
        time.sleep(0.01)
        for one in batch:
            one.setblocking(False)
            try:
                answered += bool(one.recv(5))
            except OSError:
                pass
            one.close()
    return f"sent({sent / (time.monotonic() - began):.0f}/s)answered({answered / (time.monotonic() - began):.0f}/s)"


@attack(35, "client-hello-flood", seconds=3, share=60, settles=8, short=True)
def client_hello_flood(stage: Stage) -> str:
    """From one address: there is a cap on the rate of handshakes, before anything is computed for them."""
    return hello_flood(stage, 0)


@attack(35, "client-hello-flood-of-a-crowd", seconds=3, share=101, settles=8, short=True)
def client_hello_flood_of_a_crowd(stage: Stage) -> str:
    """From 64 addresses, none of which does much: those who are connected are served all the same."""
    return hello_flood(stage, 20)


def chain_of(folder: Path, count: int) -> tuple[Path, Path]:
    """A client's certificate that says who it is by a chain of many others."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "giant")])
    now = datetime.datetime.now(datetime.timezone.utc)
    pem = b""
    for number in range(count):
        names = [x509.DNSName(f"host-{number}-{one}.example") for one in range(40)]
        certificate = (
            x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(number + 1).not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName(names), critical=False).sign(key, SHA256())
        )  # fmt: skip
        pem += certificate.public_bytes(serialization.Encoding.PEM)
    files = folder / "giant.pem", folder / "giant.key"
    files[0].write_bytes(pem)
    files[1].write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))  # fmt: skip
    return files


@attack(35, "giant-client-chain", server="mutual", seconds=2, memory=16)
def giant_chain(stage: Stage) -> str:
    """A client's certificate with 250 others behind it, 300 KiB: refused unread, by its length."""
    certificate, key = chain_of(stage.place.folder, 250)
    made = context(stage)
    made.load_cert_chain(certificate, key)
    refused = 0
    while stage.goes_on or not refused:
        try:
            with stage.connect(context=made) as peer:
                stage.expect(peer.wait_end(5), "it is taken, or waited for")
                stage.expect(not peer.kinds, f"frames came: {peer.kinds}")
                stage.expect(peer.end != "closed", "closed without an alert")
        except TurnedAway:
            pass
        refused += 1
    return f"refused({refused})"
