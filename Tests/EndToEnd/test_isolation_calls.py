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
from harness.metrics import Metrics
from harness.requests import Ids, Request, ids_that_name_nothing, missing_methods, requests
from harness.server import HOST, Carillon
from harness.supplier import Supplier
from harness.waiting import eventually

# Words of the victim that nobody else's answer, and no log, may ever hold.
CANARY = "Kanarienvogel"
# Refusals that tell nothing of what exists elsewhere.
HIDDEN = {"NOT_FOUND", "PERMISSION_DENIED", "UNAUTHENTICATED", "INVALID_ARGUMENT", "FAILED_PRECONDITION"}


@dataclass
class Scene:
    server: Carillon
    attacker: Supplier
    # Connections with certificates: of a service of the attacker, of one of the platform, of one that nobody registered.
    services: dict[str, grpc.Channel]
    victim: Supplier
    theirs: Ids
    nobodys: Ids

    def victims_rows(self) -> dict[str, str]:
        """Everything stored of the victim, but for what its own care changes: the worker's fence, which grows with every lease, and
        the month through which there are partitions."""
        rows = self.server.database.fingerprint(self.victim.schema, frozenset({"queue_owner"}))
        for table, columns in {
            "tenant": "to_jsonb(tenant) - 'months_through'",
            "portal_key": "*",
            "api_key": "key_id, display_name, secret_sha256, expires_at, revoked_at",
        }.items():
            rows[f"carillon.{table}"] = self.server.database.execute(
                f"SELECT count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '')"
                f" FROM (SELECT {columns} FROM carillon.{table} WHERE tenant_id = '{self.victim.id}') t"
            )
        rows["carillon.service_identity"] = self.server.database.execute(
            f"SELECT s::text FROM carillon.service_identity s WHERE '{self.victim.id}' = ANY (s.tenant_ids)"
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
    idempotency_key = f"{word}-event-4711"
    response = supplier.publish(
        "invoice.created", account, object=f"invoice/{word}", context=context, idempotency_key=idempotency_key
    )
    supplier.settled(event_id=response.event_id)
    supplier.settled(event_id=supplier.publish("invoice.created", account, context=context).event_id)
    spiffe = f"spiffe://portal.example/ns/{supplier.id}/sa/backend"
    identity = v1.ServiceIdentity(
        spiffe_id=spiffe, display_name=f"{word} Backend", scopes=[v1.ACCESS_SCOPE_TENANT], tenant_ids=[supplier.id]
    )
    supplier.server.operator().tenants.PutServiceIdentity(v1.PutServiceIdentityRequest(service_identity=identity))
    settings = v1.SmtpSettings(host="relay.spare.example", from_address=f"{word.lower()}@{supplier.domain}")
    spare = v1.Provider(provider_id="spare", channel=v1.CHANNEL_EMAIL, priority=9, disabled=True, smtp=settings)
    supplier.api.channels.PutProvider(v1.PutProviderRequest(provider=spare))
    api, portal = supplier.api, supplier.portal(user)
    notifications = v1.ListNotificationsRequest(page_size=1)
    tokens = {
        "page_token": api.accounts.ListUsers(v1.ListUsersRequest(account_id=account, page_size=1)),
        "notifications_token": api.delivery.ListNotifications(notifications),
        "inbox_token": portal.inbox.ListInbox(v1.ListInboxRequest(page_size=1)),
        "providers_token": api.channels.ListProviders(v1.ListProvidersRequest(page_size=1)),
    }
    assert all(page.next_page_token for page in tokens.values()), "each list has a second page"
    return Ids(
        tenant=supplier.id, account=account, user=user, provider="relay", key=supplier.created.api_key.key_id,
        spiffe=spiffe, idempotency_key=idempotency_key,
        **{name: page.next_page_token for name, page in tokens.items()},
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
    root = f"spiffe://portal.example/ns/{attacker.id}/sa"
    platform = v1.ServiceIdentity(
        spiffe_id=f"{root}/platform", display_name="Platform", scopes=[v1.ACCESS_SCOPE_OPERATOR]
    )
    server.operator().tenants.PutServiceIdentity(v1.PutServiceIdentityRequest(service_identity=platform))
    services = {
        name: server.channel(certificate=clients.issue_client(f"{attacker.id}-{name}", f"{root}/{name}"))
        for name in ("backend", "platform", "stranger")
    }
    scene = Scene(server, attacker, services, supplier, ids, ids_that_name_nothing(ids))
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
    claim = ("carillon-tenant", ids.tenant)
    fields["operator's key that claims the victim"] = [*fields["operator's key"], claim]
    for name in SERVICES:
        fields[name] = []
        fields[f"{name} that claims the victim"] = [claim]
    fields[KEY_BESIDE_A_CERTIFICATE] = [*fields["tenant's key"], claim]
    return fields


# Who shows a certificate, and by which connection.
SERVICES = {"service of another tenant": "backend", "platform's service": "platform", "unknown service": "stranger"}
KEY_BESIDE_A_CERTIFICATE = "tenant's key on a service's connection that claims the victim"


NAMED_LIKE_THE_VICTIMS = "portal token that names the victim's user"
CREDENTIALS = [
    "tenant's key",
    "portal token",
    "portal token that names the victim's user",
    "portal token that names the victim",
    "operator's key",
    "nothing",
    "tenant's key that claims the victim",
    "portal token that claims the victim",
    "operator's key that claims the victim",
    "service of another tenant",
    "service of another tenant that claims the victim",
    "platform's service",
    "platform's service that claims the victim",
    "unknown service",
    "unknown service that claims the victim",
    "tenant's key on a service's connection that claims the victim",
]


@dataclass
class Outcome:
    code: str
    said: str
    # Headers and trailers, in which details are octets.
    headers: str

    @property
    def is_answer(self) -> bool:
        return self.code == "OK"


def connection(scene: Scene, credential: str) -> grpc.Channel:
    """What calls with a credential go over."""
    if credential == KEY_BESIDE_A_CERTIFICATE:
        return scene.services["backend"]
    name = SERVICES.get(credential.removesuffix(" that claims the victim"))
    return scene.services[name] if name else scene.attacker.channel


def ask(scene: Scene, request: Request, fields: list[tuple[str, str]], channel: grpc.Channel | None = None) -> Outcome:
    """Calls, and tells what came back in words, metadata included; of a stream the first message. Who has shown so many wrong
    credentials that the server asks for a pause makes it, and calls again."""
    return eventually(lambda: ask_once(scene, request, fields, channel), "the server hears wrong credentials again")


def ask_once(
    scene: Scene, request: Request, fields: list[tuple[str, str]], channel: grpc.Channel | None
) -> Outcome | None:
    method = request.method
    path = interface.method_path(method)
    decode = interface.message_class(method.output_type).FromString
    encoded = request.message.SerializeToString()
    channel = channel or scene.attacker.channel
    try:
        if method.server_streaming:
            call = channel.unary_stream(path, None, decode)(encoded, timeout=10, metadata=fields)
            # A stream may have nothing to say.
            answer = next(iter(call), interface.message_class(method.output_type)())
            headers = str(call.initial_metadata())
            call.cancel()
        else:
            answer, call = channel.unary_unary(path, None, decode).with_call(encoded, timeout=10, metadata=fields)
            headers = f"{call.initial_metadata()} {call.trailing_metadata()}"
    except grpc.RpcError as error:
        refusal = Refusal(error)
        if refusal.code == grpc.StatusCode.RESOURCE_EXHAUSTED and refusal.reason == "TOO_MANY_FAILURES":
            return None
        headers = f"{error.initial_metadata()} {error.trailing_metadata()}"
        return Outcome(refusal.code.name, f"{refusal.message}\n{refusal.status}\n{error.trailing_metadata()}", headers)
    return Outcome("OK", text_format.MessageToString(answer, as_utf8=True), headers)


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
    channel = connection(scene, credential)
    leaks = []
    for foreign, unknown in zip(theirs, nobodys, strict=True):
        # Operators may know and change every tenant; that is what TenantService is for.
        if credential in ("operator's key", "platform's service") and foreign.method.containing_service.name == "TenantService":
            continue
        seen = ask(scene, foreign, with_theirs, channel)
        reference = ask(scene, unknown, with_nobodys, channel)
        if CANARY.lower() in f"{seen.said}{seen.headers}".lower():
            leaks.append(f"{foreign.name}: shows the victim's words: {seen.said}")
        if not seen.is_answer and seen.code not in HIDDEN:
            leaks.append(f"{foreign.name}: {seen.code} {seen.said}")
        # A page token says where a page begins, and opens nothing. Those of inboxes are bound to a user's id, whoever's that
        # is: for this one the list is the attacker's own, and empty.
        if (credential, foreign.name) == (NAMED_LIKE_THE_VICTIMS, "InboxService.ListInbox with a page token"):
            assert seen.is_answer and "items" not in seen.said
            continue
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
        "PreferenceService.GetPreferences of an account": api,
        "PreferenceService.BatchCheckPreferences": api,
        "PreferenceService.ExplainDecision": api,
        "PreferenceService.ExplainDecision of the past": api,
        "PreferenceService.StreamPreferenceChecks": api,
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
    ids = scene.theirs
    words = (CANARY, ids.user, ids.account, ids.provider, ids.idempotency_key, scene.victim.key, "mail.example")
    for word in words:
        assert word.lower() not in logged, word


def test_the_metrics_hold_nothing_of_anybody(scene: Scene, metrics: Metrics) -> None:
    """They are the operator's, and yet no word of a tenant is in them: not of the victim, and not of who asks about it."""
    credential = credentials(scene, scene.theirs)["tenant's key"]
    for request in requests(scene.theirs, scene.attacker, "alpha", "anna"):
        ask(scene, request, credential)
    sample = metrics.read()
    assert sample.value("carillon_decisions_total") > 0 and sample.value("carillon_calls_total", code="NOT_FOUND") > 0
    shown = sample.text.lower()
    for supplier, ids in ((scene.victim, scene.theirs), (scene.attacker, scene.nobodys)):
        words = {*ids.words(), supplier.id, supplier.key, supplier.domain, supplier.schema}
        for word in words | {CANARY, "Sparrow", "mail.example", "invoice.created", "alpha", "anna", HOST}:
            assert word.lower() not in shown, word


def test_a_sequence_of_another_inbox_marks_nothing(scene: Scene) -> None:
    portal = scene.attacker.portal("anna")
    counts = portal.inbox.GetCounts(v1.GetCountsRequest()).counts
    answer = portal.inbox.MarkRead(v1.MarkReadRequest(sequences=[counts.total + 1000]))
    assert answer.changed == 0


def test_the_victim_was_not_mailed_or_told(scene: Scene, mail_server: MailServer) -> None:
    scene.attacker.settled()
    mails = mail_server.mails_to("@mail.example")
    to_victim = [mail for mail in mails if any(CANARY.lower() in name for name in mail.recipients)]
    assert len(to_victim) == 6, "one mail for each user of the victim and each of its own events"
    assert all(mail.sender.startswith(CANARY.lower()) for mail in to_victim)
