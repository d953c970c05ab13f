"""A request for every method of the interface, made of the ids that it is given."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, fields
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from . import interface
from .interface import health, v1
from .supplier import NUMBERS, Supplier
from .version1 import NEWEST


@dataclass(frozen=True)
class Ids:
    """One id of each kind."""

    tenant: str
    account: str
    user: str
    notification: str
    event: str
    provider: str
    key: str
    spiffe: str = "spiffe://portal.example/ns/no/sa/body"
    idempotency_key: str = "event-of-nobody"
    # Where a page begins, of each list.
    page_token: str = ""
    notifications_token: str = ""
    inbox_token: str = ""
    providers_token: str = ""

    def words(self) -> list[str]:
        return [value for value in (getattr(self, one.name) for one in fields(self)) if value]


def ids_that_name_nothing(like: Ids) -> Ids:
    """Ids of the same form and length that nobody has. Page tokens stay: they say where a page begins, and name nothing."""

    def ghost(text: str) -> str:
        return "g" + "h0st"[: max(0, len(text) - 1)].ljust(len(text) - 1, "7")

    def other(identifier: str) -> str:
        # The time of a UUIDv7 stays, so that the same partitions are looked into.
        return identifier[:19] + str(uuid.uuid4())[19:]

    return Ids(
        ghost(like.tenant), ghost(like.account), ghost(like.user), other(like.notification), other(like.event),
        ghost(like.provider), ghost(like.key), f"spiffe://portal.example/{ghost(like.spiffe.split('/', 3)[3])}",
        ghost(like.idempotency_key), like.page_token, like.notifications_token, like.inbox_token, like.providers_token,
    )  # fmt: skip


@dataclass(frozen=True)
class Request:
    """A request and the method it is for."""

    method: Any
    what: str
    message: Message

    @property
    def name(self) -> str:
        return f"{self.method.containing_service.name}.{self.method.name} {self.what}".strip()


def find(name: str) -> Any:
    service, _, method = name.rpartition(".")
    return interface.services[service].methods_by_name[method]


def requests(ids: Ids, own: Supplier, own_account: str, own_user: str) -> list[Request]:
    """Every method, with the given ids in each place where ids can stand; `own` is what the caller really has."""
    made: list[Request] = []

    def add(name: str, message: Message, what: str = "") -> None:
        package = "" if name.startswith("grpc.") else "carillon.v1."
        made.append(Request(find(package + name), what, message))

    def user(identifier: str, account: str) -> Message:
        return v1.UpsertUserRequest(
            user=v1.User(user_id=identifier, account_id=account, display_name="Somebody", email="some@body.example")
        )

    def event(**changes: Any) -> Message:
        usual = {"idempotency_key": f"event-{next(NUMBERS)}", "notification_type": "invoice.created"}
        context = own.context(changes.get("notification_type", usual["notification_type"]))
        return v1.PublishRequest(**{**usual, "context": context, **changes})

    tenant = v1.Tenant(tenant_id=ids.tenant, display_name="Taken Over", portal_url="https://evil.example")
    add("TenantService.GetTenant", v1.GetTenantRequest(tenant_id=ids.tenant))
    add("TenantService.ListTenants", v1.ListTenantsRequest(page_token=ids.page_token))
    add("TenantService.CreateTenant", v1.CreateTenantRequest(tenant=tenant, portal_keys_json=own.signer.key_set))
    renamed = v1.UpdateTenantRequest(tenant=v1.Tenant(tenant_id=ids.tenant, display_name="Taken Over"))
    add("TenantService.UpdateTenant", renamed)
    add("TenantService.SuspendTenant", v1.SuspendTenantRequest(tenant_id=ids.tenant))
    add("TenantService.ResumeTenant", v1.ResumeTenantRequest(tenant_id=ids.tenant))
    add("TenantService.DeleteTenant", v1.DeleteTenantRequest(tenant_id=ids.tenant, etag="1"))
    add("TenantService.CreateApiKey", v1.CreateApiKeyRequest(tenant_id=ids.tenant, display_name="mine"))
    add("TenantService.ListApiKeys", v1.ListApiKeysRequest(tenant_id=ids.tenant))
    add("TenantService.RevokeApiKey", v1.RevokeApiKeyRequest(tenant_id=ids.tenant, key_id=ids.key))
    service = v1.ServiceIdentity(
        spiffe_id="spiffe://portal.example/ns/evil/sa/taker", display_name="Taker", scopes=[v1.ACCESS_SCOPE_TENANT],
        tenant_ids=[ids.tenant],
    )  # fmt: skip
    add("TenantService.PutServiceIdentity", v1.PutServiceIdentityRequest(service_identity=service))
    taken = v1.ServiceIdentity(
        spiffe_id=ids.spiffe, display_name="Taken", scopes=[v1.ACCESS_SCOPE_TENANT], tenant_ids=[own.id]
    )
    add("TenantService.PutServiceIdentity", v1.PutServiceIdentityRequest(service_identity=taken), "of another")
    add("TenantService.ListServiceIdentities", v1.ListServiceIdentitiesRequest(page_token=ids.page_token))
    add("TenantService.DeleteServiceIdentity", v1.DeleteServiceIdentityRequest(spiffe_id=ids.spiffe))
    keys = v1.SetPortalKeysRequest(tenant_id=ids.tenant, portal_keys_json=own.signer.key_set)
    add("TenantService.SetPortalKeys", keys)
    add("TenantService.ExportTenant", v1.ExportTenantRequest(tenant_id=ids.tenant))
    header = v1.TenantArchiveHeader(format=1, tenant_id=ids.tenant, schema_version=NEWEST)
    add("TenantService.ImportTenant", v1.ImportTenantRequest(part=v1.TenantArchivePart(header=header)))

    add("AccountService.GetAccount", v1.GetAccountRequest(account_id=ids.account))
    add("AccountService.GetTeam", v1.GetTeamRequest())
    add("AccountService.ListUsers", v1.ListUsersRequest(account_id=ids.account))
    # A token is bound to its list, so it is offered for another one.
    token = v1.ListUsersRequest(account_id=own_account, page_token=ids.page_token or "AAAA")
    add("AccountService.ListUsers", token, "with a page token")
    theirs = v1.SetDefaultUserRequest(account_id=ids.account, user_id=ids.user)
    add("AccountService.SetDefaultUser", theirs)
    mixed = v1.SetDefaultUserRequest(account_id=own_account, user_id=ids.user)
    add("AccountService.SetDefaultUser", mixed, "of an own account")

    add("AccountService.ListSuppressions", v1.ListSuppressionsRequest(address=f"{ids.user}@body.example"))
    suppressions = v1.ListSuppressionsRequest(page_token=ids.page_token or "AAAA")
    add("AccountService.ListSuppressions", suppressions, "with a page token")
    lifted = v1.RemoveSuppressionRequest(channel=v1.CHANNEL_EMAIL, address=f"{ids.user}@body.example")
    add("AccountService.RemoveSuppression", lifted)

    add("CatalogService.ListNotificationTypes", v1.ListNotificationTypesRequest(page_size=3))
    add("CatalogService.GetNotificationType", v1.GetNotificationTypeRequest(notification_type="invoice.created"))
    add("CatalogService.GetSettings", v1.GetSettingsRequest(category="Invoices"))
    add("CatalogService.GetFrequencyCaps", v1.GetFrequencyCapsRequest())
    cap = v1.FrequencyCap(limit=1000, period=Duration(seconds=86_400))
    add("CatalogService.UpdateFrequencyCaps", v1.UpdateFrequencyCapsRequest(caps=[cap]))
    foreign = ids.page_token or "AAAA"
    types = v1.ListNotificationTypesRequest(page_size=3, page_token=foreign)
    add("CatalogService.ListNotificationTypes", types, "with a page token")
    add("CatalogService.GetSettings", v1.GetSettingsRequest(page_token=foreign), "with a page token")

    check = v1.CheckPreferenceRequest(user_id=ids.user, notification_type="invoice.created")
    add("PreferenceService.CheckPreference", check)
    add("PreferenceService.GetPreferences", v1.GetPreferencesRequest(user_id=ids.user, category="Invoices"))
    choices = [v1.PreferenceChoice(all=True, choice=v1.CHOICE_OFF)]
    add("PreferenceService.UpdatePreferences", v1.UpdatePreferencesRequest(user_id=ids.user, choices=choices))
    settings = v1.PersonalSettings(locale="de", quiet_hours=[v1.TimeWindow(start_minute=60, end_minute=120)])
    add("PreferenceService.UpdatePreferences", v1.UpdatePreferencesRequest(user_id=ids.user, settings=settings), "of times")
    add("PreferenceService.GetPreferences", v1.GetPreferencesRequest(account_id=ids.account), "of an account")
    defaults = v1.UpdatePreferencesRequest(account_id=ids.account, choices=choices)
    add("PreferenceService.UpdatePreferences", defaults, "of an account")
    add("PreferenceService.BatchCheckPreferences", v1.BatchCheckPreferencesRequest(checks=[check]))
    add("PreferenceService.ImportPreferences", v1.ImportPreferencesRequest(number=1, user_id=ids.user, choices=choices))
    add("PreferenceService.ExportPreferences", v1.ExportPreferencesRequest(after_user_id=ids.user))
    # A token that was never sealed, of a tenant that may be another's.
    token = f"{ids.tenant}.{'A' * 96}"
    add("PreferenceService.RedeemUnsubscribe", v1.RedeemUnsubscribeRequest(token=token))
    add("PreferenceService.ConfirmContactPoint", v1.ConfirmContactPointRequest(token=token))
    confirmation = v1.SendConfirmationRequest(user_id=ids.user, address="own@home.example")
    add("PreferenceService.SendConfirmation", confirmation)
    past = v1.ExplainDecisionRequest(notification_id=ids.notification)
    add("PreferenceService.ExplainDecision", past, "of the past")
    hypothesis = v1.Hypothesis(user_id=ids.user, notification_type="invoice.created")
    add("PreferenceService.ExplainDecision", v1.ExplainDecisionRequest(hypothesis=hypothesis))
    add("PreferenceService.StreamPreferenceChecks", v1.StreamPreferenceChecksRequest(number=1, check=check))

    add("DeliveryService.GetNotification", v1.GetNotificationRequest(notification_id=ids.notification))
    add("DeliveryService.ListNotifications", v1.ListNotificationsRequest(account_id=ids.account), "of an account")
    add("DeliveryService.ListNotifications", v1.ListNotificationsRequest(user_id=ids.user), "of a user")
    add("DeliveryService.ListNotifications", v1.ListNotificationsRequest(event_id=ids.event), "of an event")
    own_notifications = v1.ListNotificationsRequest(page_token=ids.notifications_token or "AAAA")
    add("DeliveryService.ListNotifications", own_notifications, "with a page token")
    add("DeliveryService.CancelEvent", v1.CancelEventRequest(event_id=ids.event))
    add("DeliveryService.CancelEvent", v1.CancelEventRequest(idempotency_key=ids.idempotency_key), "by its key")
    bounced = v1.ProviderEvent(
        kind=v1.PROVIDER_EVENT_KIND_BOUNCED_PERMANENTLY, message_id=f"{ids.notification}.email@portal.example"
    )
    add("DeliveryService.ReportProviderEvents", v1.ReportProviderEventsRequest(events=[bounced]))
    add("DeliveryService.Publish", event(account_id=ids.account))
    same_key = event(account_id=own_account, idempotency_key=ids.idempotency_key)
    add("DeliveryService.Publish", same_key, "with an idempotency key")
    add("DeliveryService.Publish", event(account_id=own_account, actor_user_id=ids.user), "with an actor")
    addressed = event(
        account_id=own_account, notification_type="ticket.satisfaction_requested", addressed_user_ids=[ids.user]
    )
    add("DeliveryService.Publish", addressed, "addressed to a user")

    provider = v1.Provider(
        provider_id=ids.provider, channel=v1.CHANNEL_EMAIL, disabled=True,
        smtp=v1.SmtpSettings(host="evil.example", from_address="evil@evil.example"),
    )  # fmt: skip
    providers = v1.ListProvidersRequest(page_token=ids.providers_token or "AAAA")
    add("ChannelService.ListProviders", providers, "with a page token")
    add("ChannelService.ListProviders", v1.ListProvidersRequest())
    add("ChannelService.PutProvider", v1.PutProviderRequest(provider=provider))

    add("InboxService.ListInbox", v1.ListInboxRequest())
    add("InboxService.ListInbox", v1.ListInboxRequest(page_token=ids.inbox_token or "AAAA"), "with a page token")
    add("InboxService.WatchInbox", v1.WatchInboxRequest(after_sequence=0))
    add("InboxService.GetCounts", v1.GetCountsRequest())
    add("InboxService.MarkRead", v1.MarkReadRequest(sequences=[1_000_001]))

    add("grpc.health.v1.Health.Check", health.HealthCheckRequest(service=ids.tenant))
    add("grpc.health.v1.Health.List", health.HealthListRequest())
    add("grpc.health.v1.Health.Watch", health.HealthCheckRequest(service=ids.tenant))

    # Last, because they make what they name.
    # The team is the caller's own; nobody can name another's.
    hears = v1.PreferenceChoice(notification_type="account.default_contact_unreachable", choice=v1.CHOICE_ON)
    add("AccountService.UpsertTeam", v1.UpsertTeamRequest(team=v1.Team(display_name="Receivables", choices=[hears])))
    add("AccountService.UpsertUser", user(own_user, ids.account), "that moves an own user")
    add("AccountService.UpsertUser", user(ids.user, ids.account))
    add("AccountService.UpsertUser", user(ids.user, own_account), "into an own account")
    represented = v1.Account(account_id=own_account, display_name="Own", assigned_rep_user_ids=[ids.user])
    add("AccountService.UpsertAccount", v1.UpsertAccountRequest(account=represented), "that a user looks after")
    account = v1.Account(account_id=ids.account, display_name="Taken Over", assigned_rep_user_ids=[ids.user])
    add("AccountService.UpsertAccount", v1.UpsertAccountRequest(account=account))
    return made


def missing_methods(made: list[Request]) -> set[str]:
    """The methods of the interface for which there is no request."""
    every = {method.full_name for service in interface.services.values() for method in service.methods}
    return every - {request.method.full_name for request in made}
