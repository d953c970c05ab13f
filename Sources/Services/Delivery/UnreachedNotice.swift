internal import CarillonGRPC
internal import Domain
internal import Security
internal import Storage

/// Tells the supplier's people of an event that somebody of an account had to hear of, when whoever was found for it on publishing could
/// not be told any more by the time of sending, and nobody else was.
///
/// It comes behind the words on the deliveries, which are committed by then, and is worth less: it is lost with a process that dies in
/// between. The event's notifications say all the same that nobody was told.
struct UnreachedNotice {
    /// How many notifications are read at once.
    private static let pageSize = 100

    private let publisher: NoticePublisher

    /// - Parameter publisher: publishes the event, in the name of who found it out.
    init(_ publisher: NoticePublisher) {
        self.publisher = publisher
    }

    /// Raises the event, once for each event that met nobody.
    ///
    /// - Parameter delivery: one that was not to be sent. Whether its recipient had to be told is looked up.
    func raise(about delivery: DeliveryID) async {
        let store = publisher.scope.store
        guard let told = try? await store.notification(delivery.notification), told.audience == .customer,
            told.reason.isMandatoryForOne, let account = told.account,
            let isHeard = try? await isHeard(told.event), !isHeard
        else { return }
        var user: UserID?
        if case .user(let id) = told.recipient { user = id }
        let now = publisher.core.now
        await publisher.publish(about: account) { sides in
            guard Self.isOwed(told.type, to: account, on: sides),
                let contact = UnreachableContact(
                    contact: user ?? sides.account?.snapshot.record?.defaultUser, on: sides)
            else { return nil }
            return PublishDraft(contact, behind: told, now: now)
        }
    }

    /// Whether at least one of an account still has to be told of a type, as things stand.
    private static func isOwed(_ type: TypeKey, to account: AccountID, on sides: EventSides) -> Bool {
        guard let type = Catalog.builtIn[type],
            let setting = sides.settings.setting(of: type, for: .customer, account: account)?.setting
        else { return false }
        let isSilenced = sides.account?.snapshot.directory.side.isSuppressed == true && !type.isExemptFromSuppression
        return setting.enabled && setting.mandatory == .atLeastOne && !isSilenced
    }

    /// Whether somebody of the account has heard of an event, may have, or is still to hear of it.
    private func isHeard(_ event: EventID) async throws(StorageError) -> Bool {
        var after: NotificationID?
        repeat {
            let page = try await publisher.scope.store.notifications(
                NotificationFilter(event: event), after: after, size: Self.pageSize)
            if page.elements.contains(where: { $0.audience == .customer && $0.isHeard }) { return true }
            after = page.next
        } while after != nil
        return false
    }
}

extension NotificationRecord {
    /// Whether its recipient has heard of it, may have, or is still to.
    fileprivate var isHeard: Bool {
        deliveries.contains { delivery in
            switch delivery.state {
            case .pending, .deferred, .digesting, .delivered, .outcomeUnknown: true
            case .failed, .suppressed, .expired, .cancelled: false
            }
        }
    }
}

extension PublishDraft {
    /// An event of our own that comes behind a notification.
    fileprivate init(_ unreachable: UnreachableContact, behind told: NotificationRecord, now: Instant) {
        idempotencyKey = "carillon.\(UnreachableContact.key)/\(told.event)/\(unreachable.account)"
        bodyHash = SHA256Digest.of(Array(idempotencyKey.utf8))
        type = unreachable.type
        account = unreachable.account
        addressees = []
        actor = nil
        object = told.object
        isObjectSuppressed = false
        sourceEvent = told.event.description
        occurredAt = now
        notBefore = nil
        context = unreachable.context
        entries = unreachable.entries
    }
}
