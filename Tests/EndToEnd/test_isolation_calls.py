"""Nobody learns anything of another tenant, by any method, with any id, under any credential: not even that an id
exists. What is asked for a foreign id is answered as it is for an id that nobody has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import grpc
import pytest
from google.protobuf import text_format

from harness import interface
from harness.certificates import Authority
from harness.interface import v1
from harness.refusals import Refusal
from harness.mail import MailServer
from harness.requests import Ids, Request, ids_that_name_nothing, missing_methods, requests
from harness.server import Carillon
from harness.supplier import Supplier

# Words of the victim that nobody else's answer, and no log, may ever hold.
CANARY = "Kanarienvogel"
# Refusals that tell nothing of what exists elsewhere.
HIDDEN = {"NOT_FOUND", "PERMISSION_DENIED", "UNAUTHENTICATED", "INVALID_ARGUMENT", "FAILED_PRECONDITION"}


@dataclass
class Scene:
    server: Carillon
    attacker: Supplier
    service: grpc.Channel
    victim: Supplier
    theirs: Ids
    nobodys: Ids

    def victims_rows(self) -> dict[str, str]:
        """Everything stored of the victim; its worker's fence apart, which grows with every lease."""
        rows = self.server.database.fingerprint(self.victim.schema, frozenset({"queue_owner"}))
        for table, columns in {
            "tenant": "*",
            "portal_key": "*",
            "api_key": "key_id, display_name, secret_sha256, expires_at, revoked_at",
        }.items():
            rows[f"carillon.{table}"] = self.server.database.execute(
                f"SELECT count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '')"
                f" FROM (SELECT {columns} FROM carillon.{table} WHERE tenant_id = '{self.victim.id}') t"
            )
        return rows


def furnish(supplier: Supplier, relay: MailServer, account: str, user: str, word: str) -> Ids:
    """An account, users with a choice and an inbox, a provider, an event: something of every kind, with a word in all
    free text."""
    supplier.connect_mail(relay, from_name=f"{word} News", from_address=f"{word.lower()}@{supplier.domain}")
    supplier.add_account(account, display_name=f"{word} Limited", billing_email=f"{word.lower()}@billing.example")
    for name in (user, f"{user}-2", f"{user}-3"):
        supplier.add_user(name, account, display_name=f"{word} {name}", email=f"{word.lower()}.{name}@mail.example")
    supplier.set_default_user(account, user)
    supplier.choose(user, v1.CHOICE_ON, notification_type="payment.processing")
    context = [value for value in supplier.context("invoice.created") if value.name != "customer_name"]
    context.append(v1.ContextValue(name="customer_name", text=f"{word} Limited"))
    response = supplier.publish("invoice.created", account, object=f"invoice/{word}", context=context)
    supplier.settled(event_id=response.event_id)
    page = supplier.api.accounts.ListUsers(v1.ListUsersRequest(account_id=account, page_size=1))
    return Ids(
        tenant=supplier.id, account=account, user=user, provider="relay", key=supplier.created.api_key.key_id,
        page_token=page.next_page_token,
        event=response.event_id, notification=response.recipients[0].notification_id,
    )  # fmt: skip


@pytest.fixture(scope="module")
def victim(server: Carillon, channel: grpc.Channel, mail_server: MailServer) -> tuple[Supplier, Ids]:
    supplier = Supplier(server, channel, name="victim", display_name=f"{CANARY} Supplies")
    ids = furnish(supplier, mail_server, "bravo-4711", "bela-4711", CANARY)
    # A provider that no attacker has a namesake of.
    smtp = v1.SmtpSettings(host="relay.victim.example", from_address=f"{CANARY.lower()}@victim.example")
    provider = v1.Provider(
        provider_id="second-4711", channel=v1.CHANNEL_EMAIL, priority=9, disabled=True, smtp=smtp
    )
    supplier.api.channels.PutProvider(v1.PutProviderRequest(provider=provider))
    return supplier, replace(ids, provider="second-4711")


@pytest.fixture
def scene(
    server: Carillon, channel: grpc.Channel, mail_server: MailServer, clients: Authority,
    victim: tuple[Supplier, Ids],
) -> Iterator[Scene]:  # fmt: skip
    """The victim, and a new attacker: what one attack makes is not there for the next. Afterwards the victim is as it
    was."""
    attacker = Supplier(server, channel, name="attacker")
    furnish(attacker, mail_server, "alpha", "anna", "Sparrow")
    supplier, ids = victim
    spiffe = f"spiffe://portal.example/ns/{attacker.id}/sa/backend"
    identity = v1.ServiceIdentity(
        spiffe_id=spiffe, display_name="Attacker", scopes=[v1.ACCESS_SCOPE_TENANT], tenant_ids=[attacker.id]
    )
    server.operator().tenants.PutServiceIdentity(v1.PutServiceIdentityRequest(service_identity=identity))
    service = server.channel(certificate=clients.issue_client(attacker.id, spiffe))
    scene = Scene(server, attacker, service, supplier, ids, ids_that_name_nothing(ids))
    before = scene.victims_rows()
    yield scene
    assert scene.victims_rows() == before, "something of the victim was changed"


def credentials(scene: Scene, ids: Ids) -> dict[str, list[tuple[str, str]]]:
    """What a call can come with. Where a credential itself names somebody, it names whom the ids name."""
    signer = scene.attacker.signer
    bearer = {
        "tenant's key": scene.attacker.key,
        "portal token": signer.token("anna"),
        "portal token that names the victim's user": signer.token(ids.user),
        "portal token that names the victim": signer.token(ids.user, iss=ids.tenant),
        "operator's key": scene.server.secrets.operator_key,
    }
    fields = {name: [("authorization", f"Bearer {token}")] for name, token in bearer.items()}
    fields["nothing"] = []
    fields["tenant's key that claims the victim"] = [*fields["tenant's key"], ("carillon-tenant", ids.tenant)]
    fields["portal token that claims the victim"] = [*fields["portal token"], ("carillon-tenant", ids.tenant)]
    fields["service of another tenant"] = []
    fields["service that claims the victim"] = [("carillon-tenant", ids.tenant)]
    return fields


CREDENTIALS = [
    "tenant's key",
    "portal token",
    "portal token that names the victim's user",
    "portal token that names the victim",
    "operator's key",
    "nothing",
    "tenant's key that claims the victim",
    "portal token that claims the victim",
    "service of another tenant",
    "service that claims the victim",
]


@dataclass
class Outcome:
    code: str
    said: str

    @property
    def is_answer(self) -> bool:
        return self.code == "OK"


def ask(scene: Scene, request: Request, fields: list[tuple[str, str]], is_service: bool = False) -> Outcome:
    """Calls, and tells what came back in words; of a stream the first message."""
    method = request.method
    path = interface.method_path(method)
    decode = interface.message_class(method.output_type).FromString
    encoded = request.message.SerializeToString()
    channel = scene.service if is_service else scene.attacker.channel
    try:
        if method.server_streaming:
            stream = channel.unary_stream(path, None, decode)(encoded, timeout=10, metadata=fields)
            answer = next(iter(stream))
            stream.cancel()
        else:
            answer = channel.unary_unary(path, None, decode)(encoded, timeout=10, metadata=fields)
    except grpc.RpcError as error:
        refusal = Refusal(error)
        trailers = str(error.trailing_metadata())
        return Outcome(refusal.code.name, f"{refusal.message}\n{refusal.status}\n{trailers}")
    return Outcome("OK", text_format.MessageToString(answer, as_utf8=True))


VARYING = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"  # ids
    r"|(?<=seconds: )\d+|(?<=nanos: )\d+"  # times
    r'|(?<=etag: )"[^"]*"|cr_live_\w+|(?<=key_id: )"\w+"|(?<=next_page_token: )"[^"]*"'
)


def neutral(text: str, ids: Ids) -> str:
    """What was said, without the ids that were asked for and what differs from call to call."""
    for word in sorted(ids.words(), key=len, reverse=True):
        text = text.replace(word, "<id>")
    return re.sub(r"value: \"[^\n]*", "value", VARYING.sub("<varies>", text))


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_a_foreign_id_is_an_unknown_id(scene: Scene, credential: str) -> None:
    with_theirs = credentials(scene, scene.theirs)[credential]
    with_nobodys = credentials(scene, scene.nobodys)[credential]
    theirs = requests(scene.theirs, scene.attacker, "alpha", "anna")
    nobodys = requests(scene.nobodys, scene.attacker, "alpha", "anna")
    leaks = []
    for foreign, unknown in zip(theirs, nobodys, strict=True):
        # Operators may know and change every tenant; that is what TenantService is for.
        if credential == "operator's key" and foreign.method.containing_service.name == "TenantService":
            continue
        is_service = credential.startswith("service")
        seen = ask(scene, foreign, with_theirs, is_service)
        reference = ask(scene, unknown, with_nobodys, is_service)
        if CANARY.lower() in seen.said.lower():
            leaks.append(f"{foreign.name}: shows the victim's words: {seen.said}")
        if not seen.is_answer and seen.code not in HIDDEN:
            leaks.append(f"{foreign.name}: {seen.code} {seen.said}")
        if seen.code != reference.code:
            leaks.append(f"{foreign.name}: {seen.code} for a foreign id, {reference.code} for an unknown one")
        elif neutral(seen.said, scene.theirs) != neutral(reference.said, scene.nobodys):
            leaks.append(f"{foreign.name}: said differently:\n{seen.said}\n-- unknown --\n{reference.said}")
    assert not leaks, "\n".join(leaks)


def test_every_method_is_asked(scene: Scene) -> None:
    made = requests(scene.theirs, scene.attacker, "alpha", "anna")
    assert missing_methods(made) == set()


def test_the_victim_can_ask_all_that_the_attacker_cannot(scene: Scene) -> None:
    """The requests are in order: under the right credential they are answered, the canary included."""
    victim = scene.victim
    api, portal = [("authorization", f"Bearer {victim.key}")], [
        ("authorization", f"Bearer {victim.signer.token(scene.theirs.user)}")
    ]
    own = {
        "AccountService.GetAccount": api,
        "AccountService.ListUsers": api,
        "PreferenceService.CheckPreference": api,
        "PreferenceService.GetPreferences": api,
        "DeliveryService.GetNotification": api,
        "DeliveryService.ListNotifications of a user": api,
        "DeliveryService.ListNotifications of an account": api,
        "DeliveryService.ListNotifications of an event": api,
        "InboxService.ListInbox": portal,
        "InboxService.WatchInbox": portal,
    }
    by_name = {one.name: one for one in requests(scene.theirs, victim, "bravo-4711", "bela-4711")}
    said = ""
    for name, fields in own.items():
        outcome = ask(scene, by_name[name], fields)
        assert outcome.is_answer, (name, outcome)
        said += outcome.said
    assert CANARY in said


def test_the_log_holds_nothing_of_the_victim(scene: Scene) -> None:
    logged = scene.server.logged().lower()
    for word in (CANARY, scene.theirs.user, scene.victim.key, "mail.example"):
        assert word.lower() not in logged, word


def test_a_sequence_of_another_inbox_marks_nothing(scene: Scene) -> None:
    portal = scene.attacker.portal("anna")
    counts = portal.inbox.GetCounts(v1.GetCountsRequest()).counts
    answer = portal.inbox.MarkRead(v1.MarkReadRequest(sequences=[counts.total + 1000]))
    assert answer.changed == 0


def test_the_victim_was_not_mailed_or_told(scene: Scene, mail_server: MailServer) -> None:
    scene.attacker.settled()
    mails = mail_server.mails_to("@mail.example")
    to_victim = [mail for mail in mails if any(CANARY.lower() in name for name in mail.recipients)]
    assert len(to_victim) == 3, "one mail for each user of the victim, from its own event"
    assert all(mail.sender.startswith(CANARY.lower()) for mail in to_victim)
