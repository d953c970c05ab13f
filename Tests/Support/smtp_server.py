"""A real SMTP server for tests (aiosmtpd): STARTTLS, AUTH, and answers by script.

It prints one JSON object a line, to standard output or to the file of --record:

    {"event": "listening", "port": 40123}
    {"event": "connected", "connection": 1}
    {"event": "message", "connection": 1, "sender": "...", "recipients": ["..."], "tls": true, "user": "...",
     "content": "..."}                      the message as it was taken, dots undoubled, bytes as Latin-1
    {"event": "disconnected", "connection": 1}

"listening" always goes to standard output too. The server ends when its standard input ends.

--rules takes a JSON list. A rule is {"at": STEP, "match": TEXT, "do": [ACTION, ...]}: it holds for the given step
(connect, ehlo, mail, rcpt, data, message) if its text is part of the address concerned ("" or nothing matches all); its
actions are used up one by one, the last one for ever. An action is "accept", "hang" (never answers), "drop" (ends the
connection without an answer), "partial" (begins an answer, then drops), "late" (a second answer behind the first), or a
reply such as "550 5.1.1 No such user"; after a 421 the connection ends, as the standard has it.
At "message" the message is recorded whatever the action, for the server has it by then.

    smtp_server.py [--host 127.0.0.1] [--port 0] [--tls none|starttls|implicit] [--certificate PEM --key PEM]
                   [--user NAME --password SECRET] [--pipelining] [--size BYTES] [--rules JSON] [--record FILE]
    smtp_server.py --make-certificate DIRECTORY    makes ca.pem, certificate.pem and key.pem for localhost and 127.0.0.1
"""

import argparse
import asyncio
import json
import os
import ssl
import subprocess
import sys
import warnings

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


def make_certificate(directory):
    """Makes a certificate authority and a server certificate with the openssl command."""
    path = lambda name: os.path.join(directory, name)  # noqa: E731
    run = lambda *command: subprocess.run(command, check=True, capture_output=True)  # noqa: E731
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    run("openssl", "req", "-x509", *curve, "-days", "2", "-subj", "/CN=Test authority",
        "-keyout", path("ca.key"), "-out", path("ca.pem"))
    run("openssl", "req", *curve, "-subj", "/CN=localhost", "-keyout", path("key.pem"), "-out", path("request.pem"))
    with open(path("extensions"), "w", encoding="ascii") as file:
        file.write("subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    run("openssl", "x509", "-req", "-in", path("request.pem"), "-CA", path("ca.pem"), "-CAkey", path("ca.key"),
        "-CAcreateserial", "-days", "2", "-extfile", path("extensions"), "-out", path("certificate.pem"))


class Script:
    """The rules, and how far each is used up."""

    def __init__(self, rules):
        self.rules = [dict(rule, do=list(rule["do"])) for rule in rules]

    def action(self, step, subject=""):
        for rule in self.rules:
            if rule["at"] == step and rule.get("match", "") in subject:
                return rule["do"].pop(0) if len(rule["do"]) > 1 else rule["do"][0]
        return "accept"


class Recorder:
    """Writes events, each as a line at once."""

    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8") if path else sys.stdout

    def write(self, event, **fields):
        print(json.dumps({"event": event, **fields}), file=self.file, flush=True)


class Handler:
    """The hooks of aiosmtpd."""

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        if server.options.pipelining:
            responses.insert(1, "250-PIPELINING")
        # Without --user there is no mechanism, and aiosmtpd would offer AUTH with none.
        return [line for line in responses if line.strip() != "250-AUTH"]

    async def handle_DATA(self, server, session, envelope):
        server.record(envelope)
        if await server.act("message", " ".join(envelope.rcpt_tos)):
            return "250 2.0.0 Accepted on connection %d" % server.number
        return MISSING_REPLY


# aiosmtpd sends what handle_DATA returns; this says that the answer was given already.
MISSING_REPLY = "answered"


class Session(SMTP):
    """One connection. Each step asks the script first."""

    connections = 0

    def __init__(self, options, script, recorder, **keywords):
        super().__init__(Handler(), hostname="test.invalid", ident="ESMTP", authenticator=self.authenticate, **keywords)
        self.options = options
        self.script = script
        self.recorder = recorder
        self.number = None
        self.user = None

    def connection_made(self, transport):
        if self.number is None:  # STARTTLS calls it a second time
            Session.connections += 1
            self.number = Session.connections
            self.recorder.write("connected", connection=self.number)
        super().connection_made(transport)

    def connection_lost(self, error):
        self.recorder.write("disconnected", connection=self.number)
        super().connection_lost(error)

    def authenticate(self, server, session, envelope, mechanism, data):
        expected = (self.options.user or "").encode(), (self.options.password or "").encode()
        if isinstance(data, LoginPassword) and (data.login, data.password) == expected:
            self.user = data.login.decode()
            return AuthResult(success=True)
        return AuthResult(success=False, handled=False)

    def record(self, envelope):
        self.recorder.write(
            "message", connection=self.number, sender=envelope.mail_from, recipients=envelope.rcpt_tos,
            tls=self.options.tls == "implicit" or self._tls_protocol is not None, user=self.user,
            content=envelope.original_content.decode("latin-1"))

    async def act(self, step, subject=""):
        """Does what the script says; True if the step may go on as usual."""
        action = self.script.action(step, subject)
        if action == "accept":
            return True
        if action == "late":
            await self.push("250 2.0.0 Accepted\r\n250 2.0.0 Said twice")
            return False
        if action == "drop":
            self.transport.abort()
        elif action == "partial":
            self.transport.write(b"25")
            self.transport.close()
        elif action != "hang":
            await self.push(action)
            if not action.startswith("421"):
                return False
            self.transport.close()
        # The end of the connection cancels this.
        return await asyncio.Event().wait()

    async def push(self, status):
        if status != MISSING_REPLY:
            await super().push(status)

    async def _handle_client(self):
        if await self.act("connect"):
            await super()._handle_client()
        else:
            self.transport.close()

    async def smtp_EHLO(self, hostname):
        if await self.act("ehlo", hostname or ""):
            await super().smtp_EHLO(hostname)

    async def smtp_MAIL(self, arg):
        if await self.act("mail", arg or ""):
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg):
        if await self.act("rcpt", arg or ""):
            await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg):
        recipients = self.envelope.rcpt_tos
        if not recipients or await self.act("data", " ".join(recipients)):
            await super().smtp_DATA(arg)


async def serve(options):
    # Said of AUTH without STARTTLS, which is what --tls implicit and none mean.
    warnings.filterwarnings("ignore", message="Requiring AUTH while not requiring TLS")
    recorder = Recorder(options.record)
    script = Script(json.loads(options.rules))
    context = None
    if options.tls != "none":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.certificate, options.key)
    wants_user = options.user is not None

    def make_session():
        return Session(
            options, script, recorder, data_size_limit=options.size, timeout=600,
            tls_context=context if options.tls == "starttls" else None, require_starttls=options.tls == "starttls",
            auth_required=wants_user, auth_require_tls=options.tls == "starttls",
            auth_exclude_mechanism=None if wants_user else ["LOGIN", "PLAIN"], loop=asyncio.get_running_loop())

    server = await asyncio.get_running_loop().create_server(
        make_session, options.host, options.port, ssl=context if options.tls == "implicit" else None)
    port = server.sockets[0].getsockname()[1]
    Recorder(None).write("listening", port=port)
    if options.record:
        recorder.write("listening", port=port)
    # Ends with whoever started it, however that ends.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tls", choices=["none", "starttls", "implicit"], default="none")
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    parser.add_argument("--user")
    parser.add_argument("--password")
    parser.add_argument("--pipelining", action="store_true")
    parser.add_argument("--size", type=int, default=33554432)
    parser.add_argument("--rules", default="[]")
    parser.add_argument("--record")
    parser.add_argument("--make-certificate", metavar="DIRECTORY")
    options = parser.parse_args()
    if options.make_certificate:
        make_certificate(options.make_certificate)
    else:
        asyncio.run(serve(options))
        os._exit(0)


if __name__ == "__main__":
    main()
