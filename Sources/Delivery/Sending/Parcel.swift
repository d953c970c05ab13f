internal import Domain
internal import Storage

/// What goes out as one message, and so comes to one end: one delivery, or all that a digest tells of.
struct Parcel {
    /// One delivery in it.
    struct Item: Equatable {
        let id: DeliveryID
        /// How many attempts were recorded.
        let attempts: Int32
        /// After this it is not worth sending; nil is never.
        let expiresAt: Instant?
    }

    /// How caps count it.
    struct Counted {
        let user: UserID
        let type: TypeKey
        let category: CategoryName
    }

    /// At least one. The first one holds the place of all, and its word is the last to be recorded: until then a repeat begins with it,
    /// and has its Message-ID.
    let items: [Item]
    /// The Message-ID of the digest; nil for a delivery by itself.
    let digest: String?
    let target: SecondLook.Target
    /// Nil where nobody counts.
    let counted: Counted?

    /// The delivery in whose name it is sent.
    var lead: DeliveryID { items[0].id }

    /// Whether it is of several deliveries, and not all leave the queue with these words.
    func comesBack(with words: [DeliveryResult.Resolution]) -> Bool {
        items.count > 1 && words.contains { !$0.isTerminal }
    }
}

extension Parcel.Item {
    init(_ delivery: DeliveryWork) {
        self.init(id: delivery.id, attempts: delivery.attempts, expiresAt: delivery.expiresAt)
    }
}
