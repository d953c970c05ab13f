"""Tenants are moved to another database while they are served: nothing that was answered is lost, nobody is told twice, calls are
refused for seconds only, and a move that is broken off at any moment goes on or is taken back."""

from __future__ import annotations

import json
import re
import signal
import threading
from collections import Counter

import grpc
import pytest

from harness.interface import v1
from harness.ledger import Ledger, Publisher, publishers
from harness.mail import MailServer
from harness.moving import REFUSING, Movers, delivered, furnished, is_moving, is_served, remember
from harness.refusals import refused
from harness.server import HOST, run
from harness.supplier import InboxWatch, Supplier
from harness.waiting import eventually

FAILURE, USAGE, CONFIGURATION = 1, 64, 78
TYPE = "invoice.created"
# Of the past of a tenant under load; each has three more rows.
EVENTS = {"second": 2_500, "far": 25_000}
READERS = ("ann", "bob")


@pytest.fixture
def supplier(movers: Movers, mail_server: MailServer) -> Supplier:
    supplier = Supplier(movers.server, name="moved")
    supplier.connect_mail(mail_server)
    return furnished(supplier)


class Chooser:
    """A reader who changes a choice again and again, and remembers what was answered last."""

    def __init__(self, supplier: Supplier, user: str) -> None:
        self.session = supplier.portal(user)
        self.user = user
        self.answered = v1.CHOICE_UNSPECIFIED
        self.unanswered: list[grpc.RpcError] = []
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self) -> None:
        choice = v1.CHOICE_ON
        # No faster than one user may for as long as a move takes.
        while not self.stopping.wait(0.2):
            choice = v1.CHOICE_OFF if choice == v1.CHOICE_ON else v1.CHOICE_ON
            chosen = v1.PreferenceChoice(choice=choice, notification_type="payment.processing")
            try:
                self.session.preferences.UpdatePreferences(
                    v1.UpdatePreferencesRequest(user_id=self.user, choices=[chosen])
                )
                self.answered = choice
                assert self.stored() == choice
                self.session.inbox.ListInbox(v1.ListInboxRequest(page_size=5))
            except grpc.RpcError as error:
                self.unanswered.append(error)

    def stored(self) -> int:
        answer = self.session.preferences.GetPreferences(v1.GetPreferencesRequest(user_id=self.user))
        (choice,) = answer.choices
        return choice.choice

    def stop(self) -> None:
        self.stopping.set()
        self.thread.join(10)
        assert not self.thread.is_alive()


@pytest.mark.parametrize("target", ["second", "far"])
def test_a_tenant_moves_under_load(movers: Movers, mail_server: MailServer, target: str) -> None:
    supplier = furnished(Supplier(movers.server, name="loaded"), READERS)
    supplier.connect_mail(mail_server)
    source, there = movers.databases["main"], movers.databases[target]
    remember(source, supplier.schema, EVENTS[target])
    ledger = Ledger()
    chooser = Chooser(supplier, "bob")
    with InboxWatch(supplier.portal("ann")) as watch:
        # Behind the beginning of the stream, which tells of what comes next.
        running = publishers(2, lambda name: Publisher(f"{target}-{name}", supplier, ledger, TYPE, "acme"))
        eventually(lambda: ledger.count >= 20, "events are acknowledged", seen=lambda: ledger.errors)
        # What is left at the source is kept for a look at it.
        with movers.stuck("opened", supplier, target) as moving:
            for table in ("event", "notification", "attempt", "audit"):
                rows = f"SELECT md5(t::text) FROM {supplier.schema}.{table} t"
                left, arrived = set(source.execute(rows).split()), set(there.execute(rows).split())
                assert left and left <= arrived, (table, len(left), len(left - arrived))
        assert moving.wait() == 0, moving.tail()
        before = ledger.count
        eventually(lambda: ledger.count >= before + 20, "events are acknowledged again", seen=lambda: ledger.errors)
        for one in running:
            one.stop()
        for one in running:
            one.join(30)
        chooser.stop()
        eventually(lambda: delivered(supplier.notifications(account_id="acme")), "every mail goes out", 60)
        notifications = supplier.notifications(account_id="acme")
        expected = {one.notification_id for one in notifications if one.user_id == "ann"}
        told = watch.expect(
            lambda watch: {item.notification_id for item in watch.items()} >= expected, "the stream goes on"
        )
        assert told and watch.error is None
        sequences = [item.sequence for item in watch.items()]
        assert sequences == sorted(set(sequences)), "the stream told something twice, or left something out"

    # What was refused meanwhile was refused in one way, and everything that was answered is there once.
    assert all(is_moving(error) for error in [*ledger.errors, *chooser.unanswered]), ledger.errors
    events = Counter(response.event_id for response in ledger.answers.values())
    rows = there.execute(f"SELECT idempotency_key, event_id FROM {supplier.schema}.idempotency")
    assert dict(line.split("|") for line in rows.splitlines()) == {
        key: response.event_id for key, response in ledger.answers.items()
    }
    assert Counter(one.event_id for one in notifications) == Counter({event: len(READERS) for event in events})
    mails = Counter((mail.message_id, mail.recipient) for mail in mail_server.mails_to(supplier.domain))
    assert set(mails.values()) == {1} and len(mails) == len(events) * len(READERS)
    assert chooser.stored() == chooser.answered != v1.CHOICE_UNSPECIFIED
    assert there.execute(f"SELECT count(*) FROM {supplier.schema}.event WHERE account_id = 'past'") == str(EVENTS[target])

    alarms = [line for line in movers.server.logged().splitlines() if supplier.id in line and " could not be " in line]
    assert alarms == []
    assert movers.schemas(supplier) == [target] and movers.place(supplier.id) == [target, ""]
    roles = f"SELECT count(*) FROM pg_roles WHERE rolname = '{supplier.schema}'"
    # Databases of one cluster share the role.
    assert source.execute(roles) == ("1" if target == "second" else "0") and there.execute(roles) == "1"
    found = re.search(r"(\d+) rows copied, held for ([\d.]+) s", moving.printed())
    assert found, moving.printed()
    print(f"\nmove {target} held={found[2]}s copied={found[1]} rows refused={len(ledger.errors)}")
    assert float(found[2]) < 5 and int(found[1]) >= 4 * EVENTS[target]


def test_every_row_arrives_and_the_role_may_no_more_than_before(movers: Movers, supplier: Supplier) -> None:
    remember(movers.databases["main"], supplier.schema, 1000)
    supplier.publish(TYPE)
    supplier.settled(account_id="acme")
    grants = (
        "SELECT table_name, privilege_type FROM information_schema.role_table_grants"
        f" WHERE grantee = '{supplier.schema}' AND table_schema = '{supplier.schema}' ORDER BY 1, 2"
    )
    shape = (
        "SELECT c.relname, pg_get_constraintdef(k.oid) FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid"
        f" WHERE k.connamespace = '{supplier.schema}'::regnamespace ORDER BY 1, 2"
    )
    usage = (
        "SELECT rolname FROM pg_roles WHERE NOT rolsuper AND has_schema_privilege(rolname,"
        f" '{supplier.schema}', 'USAGE') ORDER BY 1"
    )
    # Who works the queue, and when it was looked at, is not the tenant's.
    passing = frozenset({"queue_owner"})

    def seen(database: str) -> list[object]:
        place = movers.databases[database]
        return [place.fingerprint(supplier.schema, passing), *(place.execute(one) for one in (grants, shape, usage))]

    before = seen("main")
    for target in ("far", "second", "main"):
        result = movers.move(supplier.id, "--to", target)
        assert result.returncode == 0, result.stderr
        assert seen(target) == before
        assert movers.schemas(supplier) == [target]
    assert is_served(supplier)
    supplier.settled(account_id="acme")


def test_an_attempt_at_an_old_notification_arrives(movers: Movers, supplier: Supplier) -> None:
    source, there = movers.databases["main"], movers.databases["far"]
    remember(source, supplier.schema, 10)
    with movers.stuck("draining", supplier, "far") as moving:
        # Behind the last pass: a mail of days ago is tried once more, and the attempt has the notification's id.
        source.execute(
            f"INSERT INTO {supplier.schema}.attempt SELECT notification_id, channel, 2, fence, provider_id, 'accepted',"
            f" '250', '', NULL, now(), now() FROM {supplier.schema}.attempt WHERE number = 1 LIMIT 1"
        )
    assert moving.wait() == 0, moving.tail()
    assert there.execute(f"SELECT count(*) FROM {supplier.schema}.attempt WHERE number = 2") == "1"


# Behind the switch an abort is refused, and the move goes on then.
@pytest.mark.parametrize(
    ("stage", "ending"),
    [
        ("copying", "resumed"), ("draining", "aborted"), ("held", "resumed"), ("held", "aborted"),
        ("switched", "aborted"), ("opened", "aborted"),
    ],
)  # fmt: skip
def test_a_move_that_is_killed_goes_on_or_is_taken_back(
    movers: Movers, supplier: Supplier, mail_server: MailServer, stage: str, ending: str
) -> None:
    target = "far" if ending == "resumed" else "second"
    first = supplier.publish(TYPE)
    supplier.settled(event_id=first.event_id)
    with movers.stuck(stage, supplier, target) as moving:
        movers.kill(moving)
        # Nobody else gets a word in, whatever the stage.
        if stage in REFUSING:
            assert not is_served(supplier)
    assert movers.stage(supplier.id) == stage
    assert is_served(supplier) == (stage not in REFUSING)

    home = target
    if ending == "aborted":
        result = movers.move(supplier.id, "--abort")
        if stage in ("switched", "opened"):
            assert result.returncode == FAILURE and "too late" in result.stderr, result.stderr
        else:
            assert result.returncode == 0, result.stderr
            home = "main"
    if home == target:
        elsewhere = movers.move(supplier.id, "--to", "main")
        assert elsewhere.returncode == FAILURE and f"to {target}" in elsewhere.stderr, elsewhere.stderr
        result = movers.move(supplier.id, "--to", target)
        assert result.returncode == 0, result.stderr
    assert movers.stage(supplier.id) == "" and movers.place(supplier.id) == [home, ""]
    assert movers.schemas(supplier) == [home]
    eventually(lambda: is_served(supplier), "the tenant is served")
    assert delivered(supplier.settled(account_id="acme"))
    mails = Counter(mail.message_id for mail in mail_server.mails_to(supplier.domain))
    assert set(mails.values()) == {1}


def test_a_switch_that_hangs_is_waited_for_before_the_source_is_opened(movers: Movers, supplier: Supplier) -> None:
    with movers.stuck("held", supplier, "far") as moving:
        movers.kill(moving)
    # The COMMIT of a mover that nobody hears of any more is still on its way.
    switch = (
        f"UPDATE carillon.tenant_move SET stage = 'switched' WHERE tenant_id = '{supplier.id}';"
        f" UPDATE carillon.tenant SET database = 'far', revision = revision + 1 WHERE tenant_id = '{supplier.id}'"
    )
    with movers.hanging(switch) as commit:
        aborting = movers.begin(supplier.id, "--abort")
        movers.waits("UPDATE carillon.tenant_move%", aborting)
        assert not movers.lets_in(supplier, "main")
        commit()
        assert aborting.wait() == FAILURE, aborting.tail()
    assert "may still be held" in aborting.printed() and not movers.lets_in(supplier, "main")
    assert movers.place(supplier.id) == ["far", "far"] and movers.stage(supplier.id) == "switched"
    assert movers.move(supplier.id, "--to", "far").returncode == 0
    assert movers.schemas(supplier) == ["far"]


def test_giving_the_service_back_can_be_broken_off_too(movers: Movers, supplier: Supplier) -> None:
    with movers.stuck("held", supplier, "far") as moving:
        movers.kill(moving)
    with movers.databases["main"].held(f"GRANT CREATE ON SCHEMA {supplier.schema} TO carillon_owner"):
        aborting = movers.begin(supplier.id, "--abort")
        movers.reaches("restoring", supplier.id, aborting)
        movers.kill(aborting)
        assert not is_served(supplier)
    assert movers.place(supplier.id) == ["main", "far"]
    assert movers.move(supplier.id, "--to", "far").returncode == 0
    assert movers.schemas(supplier) == ["far"] and is_served(supplier)


def test_a_schema_that_is_not_the_copy_is_left_alone(movers: Movers, supplier: Supplier) -> None:
    there = movers.databases["far"]
    with movers.stuck("draining", supplier, "far") as moving:
        movers.kill(moving)
    mark = there.execute(f"SELECT obj_description('{supplier.schema}'::regnamespace, 'pg_namespace')")
    there.execute(f"COMMENT ON SCHEMA {supplier.schema} IS NULL")
    for arguments in (["--abort"], ["--to", "far"]):
        result = movers.move(supplier.id, *arguments)
        assert result.returncode == FAILURE and "is not the copy of this move" in result.stderr, result.stderr
        assert movers.schemas(supplier) == ["main", "far"] and is_served(supplier)
    there.execute(f"COMMENT ON SCHEMA {supplier.schema} IS '{mark}'")
    assert movers.move(supplier.id, "--abort").returncode == 0
    assert movers.schemas(supplier) == ["main"]


def test_a_drop_that_comes_too_late_drops_nothing(movers: Movers, supplier: Supplier) -> None:
    with movers.stuck("draining", supplier, "far") as moving:
        movers.kill(moving)
    there = movers.databases["far"]
    with there.held(f"LOCK TABLE {supplier.schema}.account IN ACCESS SHARE MODE"):
        aborting = movers.begin(supplier.id, "--abort")
        movers.waits("DROP SCHEMA%", aborting, "far")
        # Another run has gone further.
        movers.registry(f"UPDATE carillon.tenant_move SET stage = 'draining' WHERE tenant_id = '{supplier.id}'")
        assert aborting.wait() == FAILURE, aborting.tail()
    assert "has changed meanwhile" in aborting.printed(), aborting.tail()
    assert movers.schemas(supplier) == ["main", "far"]
    assert movers.move(supplier.id, "--abort").returncode == 0


def test_a_tenant_is_held_no_longer_than_it_may(movers: Movers, supplier: Supplier) -> None:
    writing = f"LOCK TABLE {supplier.schema}.queue IN ROW EXCLUSIVE MODE"
    with movers.databases["main"].held(writing):
        result = movers.move(supplier.id, "--to", "far", "--hold-limit", "1")
        assert result.returncode == FAILURE and "in the 1 s for which it may be held" in result.stderr, result.stderr
        assert movers.place(supplier.id) == ["main", ""] and movers.stage(supplier.id) == "copying"
        assert is_served(supplier) and movers.schemas(supplier) == ["main", "far"]
    assert movers.move(supplier.id, "--to", "far").returncode == 0
    assert movers.schemas(supplier) == ["far"] and is_served(supplier)


def test_a_move_that_is_told_to_stop_gives_the_service_back(movers: Movers, supplier: Supplier) -> None:
    with movers.stuck("held", supplier, "far") as moving:
        assert not is_served(supplier)
        moving.send(signal.SIGTERM)
        assert moving.wait() == 128 + signal.SIGTERM, moving.tail()
        assert movers.place(supplier.id) == ["main", ""]
        eventually(lambda: is_served(supplier), "the tenant is served")
    assert movers.stage(supplier.id) == "copying"
    assert movers.move(supplier.id, "--to", "far").returncode == 0
    assert is_served(supplier)


def test_a_copy_that_is_not_the_same_is_not_used(movers: Movers, supplier: Supplier) -> None:
    there = movers.databases["far"]
    with movers.stuck("draining", supplier, "far") as moving:
        there.execute(
            "CREATE FUNCTION public.spoil() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN NEW.published_by := 'nobody'; RETURN NEW; END $$;"
            f" CREATE TRIGGER spoil BEFORE INSERT ON {supplier.schema}.event FOR EACH ROW"
            " EXECUTE FUNCTION public.spoil()"
        )
        published = supplier.publish(TYPE)
    assert moving.wait() == FAILURE
    assert "checksums of the table event differ" in moving.printed(), moving.tail()
    assert movers.place(supplier.id) == ["main", ""] and movers.stage(supplier.id) == ""
    assert movers.schemas(supplier) == ["main"]
    assert delivered(supplier.settled(event_id=published.event_id))
    there.execute("DROP FUNCTION public.spoil()")


def test_what_operators_do_meanwhile(movers: Movers, supplier: Supplier) -> None:
    operator = movers.server.operator()
    other = Supplier(movers.server, name="waiting")

    def shown(command: str, *arguments: str) -> str:
        result = run(
            movers.server.binary, "tenant", command, *arguments, "--address", f"{HOST}:{movers.server.port}",
            "--ca", str(movers.server.authority.file), "--operator-key-file", str(movers.server.secrets.operator_file),
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        return result.stdout

    with movers.stuck("draining", supplier, "second") as moving:
        assert json.loads(shown("get", supplier.id))["moving_to"] == "second"
        assert f"{supplier.id}\tactive\tmain->second\t" in shown("list")
        # Whoever believes the tenant to be there already finds a closed door.
        reading = f"SET ROLE {supplier.schema}; SELECT count(*) FROM {supplier.schema}.account"
        assert "permission denied" in movers.databases["second"].psql(reading).stderr
        second = movers.move(other.id, "--to", "second")
        assert second.returncode == FAILURE and "one is moved at a time" in second.stderr, second.stderr
        taken_back = movers.move(supplier.id, "--abort")
        assert taken_back.returncode == FAILURE and "one is moved at a time" in taken_back.stderr, taken_back.stderr

        etag = operator.tenants.GetTenant(v1.GetTenantRequest(tenant_id=supplier.id)).tenant.etag
        deletion = v1.DeleteTenantRequest(tenant_id=supplier.id, etag=etag)
        refusal = refused(lambda: operator.tenants.DeleteTenant(deletion), grpc.StatusCode.FAILED_PRECONDITION)
        assert refusal.reason == "TENANT_MOVING"
        parts = list(operator.tenants.ExportTenant(v1.ExportTenantRequest(tenant_id=supplier.id)))
        assert parts[-1].part.WhichOneof("part") == "trailer"
        operator.tenants.SuspendTenant(v1.SuspendTenantRequest(tenant_id=supplier.id))
    assert moving.wait() == 0, moving.tail()
    assert movers.schemas(supplier) == ["second"]
    operator.tenants.ResumeTenant(v1.ResumeTenantRequest(tenant_id=supplier.id))
    assert is_served(supplier)
    assert delivered(supplier.settled(account_id="acme"))
    actions = movers.registry(f"SELECT action FROM carillon.audit WHERE chain = '{supplier.id}' ORDER BY seq").split()
    assert actions[-5:] == [
        "tenant.move_begin", "tenant.export", "tenant.suspend", "tenant.move", "tenant.resume",
    ]  # fmt: skip


def test_what_cannot_be_moved_is_refused_before_anything_is_done(movers: Movers, supplier: Supplier) -> None:
    def refuses(words: str, code: int, *arguments: str, tenant: str = supplier.id) -> None:
        result = movers.move(tenant, *arguments)
        assert result.returncode == code and words in result.stderr, result.stderr
        assert movers.stage(supplier.id) == "" and movers.schemas(supplier) == ["main"]

    refuses("no tenant nobody", FAILURE, "--to", "far", tenant="nobody")
    refuses("not a tenant's id", USAGE, "--to", "far", tenant="No-Body")
    refuses("lives in main already", FAILURE, "--to", "main")
    refuses("no database nowhere", FAILURE, "--to", "nowhere")
    refuses("not a name for a database", USAGE, "--to", "No Where")
    refuses("say --to or --abort", USAGE)
    refuses("say --to or --abort", USAGE, "--to", "far", "--abort")
    refuses("--hold-limit takes 1 to 600", USAGE, "--to", "far", "--hold-limit", "0")
    refuses("in no move", FAILURE, "--abort")

    movers.registry("UPDATE carillon.database SET accepts_tenants = false WHERE name = 'far'")
    refuses("far takes no tenants", FAILURE, "--to", "far")
    movers.registry("UPDATE carillon.database SET accepts_tenants = true WHERE name = 'far'")

    main = movers.databases["main"]
    cluster = movers.databases["far"].cluster
    cluster.execute("postgres", "CREATE DATABASE unprepared")
    movers.registry(
        "INSERT INTO carillon.database VALUES"
        f" ('alias', 'host={main.cluster.folder} dbname={main.name} sslmode=prefer', true, now()),"
        f" ('open', 'host={cluster.folder} dbname=unprepared', true, now())"
    )
    refuses("another name of the database", FAILURE, "--to", "alias")
    refuses("bootstrap", CONFIGURATION, "--to", "open")

    movers.databases["far"].execute(f"CREATE SCHEMA {supplier.schema}")
    result = movers.move(supplier.id, "--to", "far")
    assert result.returncode == FAILURE and "of which the registry knows nothing" in result.stderr, result.stderr
    movers.databases["far"].execute(f"DROP SCHEMA {supplier.schema}")

    movers.registry(f"UPDATE carillon.tenant SET schema_version = 1 WHERE tenant_id = '{supplier.id}'")
    # Or the server, which brings along who is behind, is in the way.
    with movers.databases["main"].locked(f"{supplier.schema}.audit"):
        refuses("run `carillon migrate`", FAILURE, "--to", "far")
    operator = movers.server.operator()
    record = operator.tenants.GetTenant(v1.GetTenantRequest(tenant_id=supplier.id)).tenant
    operator.tenants.DeleteTenant(v1.DeleteTenantRequest(tenant_id=supplier.id, etag=record.etag))
    refuses("to be erased", FAILURE, "--to", "far")
