"""A supplier: a tenant with its portal, its accounts and users, and its mail relay."""

from __future__ import annotations

import itertools
import queue
import threading
from collections.abc import Callable, Iterable
from typing import Any

import grpc

from .credentials import PortalSigner
from .interface import v1
from .mail import MailServer
from .server import Carillon, Session
from .values import context_value
from .waiting import USUAL, eventually

NUMBERS = itertools.count(1)

# States after which nothing more happens to a delivery.
TERMINAL = ("DELIVERED", "FAILED", "SUPPRESSED", "EXPIRED", "CANCELLED", "OUTCOME_UNKNOWN")


def terminal_states() -> set[int]:
    return {getattr(v1, f"DELIVERY_STATE_{name}") for name in TERMINAL}


class Supplier:
    """A tenant of its own for one test. Addresses of its people end with `domain`."""

    def __init__(
        self, server: Carillon, channel: grpc.Channel | None = None, name: str = "e2e", database: str = "",
        **tenant: Any,
    ) -> None:  # fmt: skip
        self.server = server
        self.id = f"{name}{next(NUMBERS)}"
        self.domain = f"{self.id}.example"
        self.portal_url = f"https://portal.{self.domain}"
        self.signer = PortalSigner(self.id)
        self.channel = channel or server.channel()
        self.request = v1.CreateTenantRequest(
            tenant=v1.Tenant(
                **{"tenant_id": self.id, "display_name": f"Supplier {self.id}", "portal_url": self.portal_url, **tenant}
            ),
            portal_keys_json=self.signer.key_set,
            database=database,
        )
        operator = server.session(server.secrets.operator_key, self.channel)
        self.created = operator.tenants.CreateTenant(self.request)
        self.key: str = self.created.api_key_secret
        server.issued_keys.append(self.key)
        self.api = server.session(self.key, self.channel)
        self.contexts: dict[str, list[Any]] = {}

    @property
    def schema(self) -> str:
        return f"t_{self.id}"

    # Set-up

    def connect_mail(self, relay: MailServer, **changes: Any) -> Any:
        """Makes the relay the tenant's e-mail provider."""
        settings = {
            "host": relay.HOST, "port": relay.port, "security": v1.SMTP_SECURITY_STARTTLS, "username": relay.USER,
            "password": relay.PASSWORD, "from_address": f"news@{self.domain}", "from_name": "Supplier News", **changes,
        }  # fmt: skip
        provider = v1.Provider(provider_id="relay", channel=v1.CHANNEL_EMAIL, smtp=v1.SmtpSettings(**settings))
        return self.api.channels.PutProvider(v1.PutProviderRequest(provider=provider)).provider

    def add_account(self, account: str, **fields: Any) -> Any:
        request = v1.UpsertAccountRequest(
            account=v1.Account(**{"account_id": account, "display_name": f"Customer {account}", **fields})
        )
        return self.api.accounts.UpsertAccount(request).account

    def address(self, user: str) -> str:
        return f"{user}@{self.domain}"

    def add_user(self, user: str, account: str = "", **fields: Any) -> Any:
        """Makes or changes a user with the address that `address` tells, if no other is given."""
        usual = {"user_id": user, "account_id": account, "display_name": user.title(), "email": self.address(user)}
        return self.api.accounts.UpsertUser(v1.UpsertUserRequest(user=v1.User(**{**usual, **fields}))).user

    def set_default_user(self, account: str, user: str) -> Any:
        request = v1.SetDefaultUserRequest(account_id=account, user_id=user)
        return self.api.accounts.SetDefaultUser(request).account

    def choose(self, user: str, choice: int, channel: int = 0, **scope: Any) -> Any:
        """Stores one choice of a user; `scope` is notification_type, category or all."""
        chosen = v1.PreferenceChoice(channel=channel, choice=choice, **scope)
        return self.api.preferences.UpdatePreferences(v1.UpdatePreferencesRequest(user_id=user, choices=[chosen]))

    # Events

    def context(self, notification_type: str) -> list[Any]:
        """A fitting value for each variable of the type."""
        if notification_type not in self.contexts:
            request = v1.GetNotificationTypeRequest(notification_type=notification_type)
            variables = self.api.catalog.GetNotificationType(request).notification_type.variables
            self.contexts[notification_type] = [
                context_value(variable.name, variable.type, variable.sensitivity) for variable in variables
            ]
        return self.contexts[notification_type]

    def event(self, notification_type: str, account: str = "acme", **fields: Any) -> Any:
        """A correct request, with a new idempotency key unless one is given."""
        number = next(NUMBERS)
        usual = {"idempotency_key": f"event-{number}", "object": f"thing/{number}", "account_id": account}
        if "context" not in fields:
            fields["context"] = self.context(notification_type)
        return v1.PublishRequest(notification_type=notification_type, **{**usual, **fields})

    def publish(self, notification_type: str, account: str = "acme", **fields: Any) -> Any:
        return self.api.delivery.Publish(self.event(notification_type, account, **fields))

    def notifications(self, **filters: Any) -> list[Any]:
        """All notifications that match, over all pages."""
        found: list[Any] = []
        token = ""
        while True:
            request = v1.ListNotificationsRequest(page_token=token, page_size=200, **filters)
            page = self.api.delivery.ListNotifications(request)
            found += page.notifications
            token = page.next_page_token
            if not token:
                return found

    def settled(self, within: float = USUAL, **filters: Any) -> list[Any]:
        """Waits until every matching notification has come to its end, and returns them with their attempts."""
        terminal = terminal_states()

        def open_deliveries() -> list[str]:
            return [
                f"{item.user_id} {v1.Channel.Name(way.channel)} {v1.DeliveryState.Name(way.state)} {way.state_reason}"
                for item in self.notifications(**filters)
                for way in item.deliveries
                if way.state not in terminal
            ]

        eventually(lambda: not open_deliveries(), f"all of {filters} ends", within, seen=open_deliveries)
        return [self.notification(item.notification_id) for item in self.notifications(**filters)]

    def notification(self, identifier: str) -> Any:
        request = v1.GetNotificationRequest(notification_id=identifier)
        return self.api.delivery.GetNotification(request).notification

    # Portal users

    def portal(self, user: str, **claims: Any) -> Session:
        """What the user's browser speaks with."""
        return self.server.session(self.signer.token(user, **claims), self.channel)

    def inbox(self, user: str) -> list[Any]:
        return list(self.portal(user).inbox.ListInbox(v1.ListInboxRequest(page_size=200)).items)


class InboxWatch:
    """An open WatchInbox stream, read by a thread. Use it in a `with` statement."""

    def __init__(self, session: Session, after: int | None = None) -> None:
        self.call = session.inbox.WatchInbox(v1.WatchInboxRequest(after_sequence=after), timeout=120)
        self.arrived: queue.Queue[Any] = queue.Queue()
        self.seen: list[Any] = []
        self.error: grpc.RpcError | None = None
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self) -> None:
        try:
            for response in self.call:
                self.arrived.put(response)
        except grpc.RpcError as error:
            self.error = error
        self.arrived.put(None)

    def collect(self) -> list[Any]:
        while not self.arrived.empty():
            response = self.arrived.get()
            if response is not None:
                self.seen.append(response)
        return self.seen

    def items(self) -> list[Any]:
        return [response.item for response in self.collect() if response.WhichOneof("update") == "item"]

    def counts(self) -> list[Any]:
        return [response.counts for response in self.collect() if response.WhichOneof("update") == "counts"]

    def expect(self, holds: Callable[[InboxWatch], Any], what: str) -> Any:
        return eventually(lambda: holds(self), what, seen=lambda: (self.seen, self.error))

    def __enter__(self) -> InboxWatch:
        # The counts come at once: from then on nothing is missed.
        self.expect(lambda watch: watch.counts(), "the watch begins with the counts")
        return self

    def __exit__(self, *_: object) -> None:
        self.call.cancel()
        self.thread.join(10)
        assert not self.thread.is_alive(), "the watch does not end although it was cancelled"


def by_user(decisions: Iterable[Any]) -> dict[str, Any]:
    """The decisions of one audience by user; fails if somebody was decided on twice."""
    found: dict[str, Any] = {}
    for decision in decisions:
        assert decision.user_id not in found, f"two decisions on {decision.user_id!r}"
        found[decision.user_id] = decision
    return found
