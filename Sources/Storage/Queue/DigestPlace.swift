package import Domain
internal import Postgres

/// What a claimed delivery is gathered by.
///
/// All that is due anew for one person on one channel goes out together, whenever it became due. What was tried before, or was held
/// by a worker that was lost, may have arrived: it goes out again with what is due at the same time, which is what it went out with,
/// so that one Message-ID stands for one message.
package struct DigestPlace: Sendable, Hashable {
    /// Whose digest.
    package let user: UserID
    /// When it is due.
    package let dueAt: Instant
    /// Whether it was tried before.
    package let wasTried: Bool

    /// Describes a place.
    package init(user: UserID, dueAt: Instant, wasTried: Bool) {
        self.user = user
        self.dueAt = dueAt
        self.wasTried = wasTried
    }

    /// Whether two deliveries on one channel go out together.
    package func isTogether(with other: DigestPlace) -> Bool {
        user == other.user && (dueAt == other.dueAt || !wasTried && !other.wasTried)
    }
}

extension DigestPlace {
    /// Reads a row of ``QueueStatements/claim``; nil for what waits for no digest.
    init?(claimed row: Row) throws(PostgresError) {
        guard let user = try row.optionalIdentifier(3, as: UserID.self) else { return nil }
        self.init(user: user, dueAt: try row.instant(2), wasTried: try row.bool(4))
    }
}
