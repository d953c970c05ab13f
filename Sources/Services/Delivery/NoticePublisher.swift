internal import CarillonGRPC
internal import Domain
internal import Storage

/// Publishes events of our own that come behind something else, on the tenant's loop. What cannot be published is left out.
struct NoticePublisher {
    let core: ServiceCore
    /// The tenant, on the loop that this runs on.
    let scope: TenantScope
    /// Who found out what the event tells of.
    let actor: String

    /// Publishes one event.
    ///
    /// - Parameters:
    ///   - account: the account that it is about; nil for none.
    ///   - draft: makes it of the facts that it is decided on; nil when they leave nothing to tell.
    func publish(about account: AccountID?, _ draft: (EventSides) throws(Status) -> PublishDraft?) async {
        guard let state = core.stateHere else { return }
        _ = try? await Publishing(core: core, on: state, in: scope, by: actor).publish(about: account, draft)
    }
}
