internal import Crypto

/// The key of one tenant. It seals what is stored for the tenant and must not be read there; destroying its wrapped form
/// erases all of that at once.
package struct DataKey: Sendable {
    let tenant: String
    let key: SymmetricKey

    /// Seals a value for one place; it opens nowhere else.
    package func seal(_ plain: [UInt8], for place: SealedPlace) throws(SecretError) -> [UInt8] {
        try SealedBox.seal(plain, with: key, boundTo: place.context(of: tenant))
    }

    /// Seals a value so that the same value gives the same octets. Who sees two of them can tell whether they are alike, and
    /// nothing else.
    func sealAlike(_ plain: [UInt8], for place: SealedPlace) throws(SecretError) -> [UInt8] {
        try SealedBox.sealAlike(plain, with: key, boundTo: place.context(of: tenant))
    }

    /// Opens a value that was sealed for this place.
    package func open(_ sealed: [UInt8], from place: SealedPlace) throws(SecretError) -> [UInt8] {
        try SealedBox.open(sealed, with: key, boundTo: place.context(of: tenant))
    }
}

/// Where a sealed value is stored. It is authenticated with the value, so that a value moved to another row, column or
/// tenant does not open.
package struct SealedPlace: Sendable, Hashable {
    /// The table's name without its schema.
    package let table: String
    /// The row's key as text.
    package let id: String
    /// The column's name.
    package let column: String

    /// Names a place.
    package init(table: String, id: String, column: String) {
        self.table = table
        self.id = id
        self.column = column
    }

    /// The password of a provider.
    package static func providerSecret(_ provider: String) -> SealedPlace {
        SealedPlace(table: "provider", id: provider, column: "sealed_secret")
    }

    /// The secret part of an event's context.
    package static func eventContext(_ event: String) -> SealedPlace {
        SealedPlace(table: "event", id: event, column: "sealed_context")
    }

    /// The place in a tenant as octets: each part with its length before it, so that no two places look the same.
    func context(of tenant: String) -> [UInt8] {
        [tenant, table, id, column].flatMap { part -> [UInt8] in
            let octets = Array(part.utf8)
            return [UInt8(truncatingIfNeeded: octets.count >> 8), UInt8(truncatingIfNeeded: octets.count)] + octets
        }
    }
}
