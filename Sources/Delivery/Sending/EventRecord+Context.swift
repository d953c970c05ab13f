internal import Domain
internal import Security
package import Storage

extension EventRecord {
    /// The variables, those among them that were sealed.
    ///
    /// - Parameter key: the tenant's data key.
    func whole(_ key: DataKey) throws(MailComposer.Failure) -> Context {
        openContext.merging(Self.context(try secrets(key)))
    }

    /// The mail address that the event is about and goes to, whatever other addresses its reader has; nil for none. It is sealed with the
    /// secrets, since nobody knows yet whose it is, and no portal can publish one.
    ///
    /// - Parameter key: the tenant's data key.
    func destination(_ key: DataKey) -> String? {
        guard sealedContext != nil, let secrets = try? secrets(key) else { return nil }
        let named = secrets.first { $0.name == Self.destinationName }?.value
        if case .text(let address)? = named { return address }
        return nil
    }

    /// The name of the address among the secrets: no variable has such a name.
    package static let destinationName = "@destination"

    /// The variables that were sealed; none where there are none.
    private func secrets(_ key: DataKey) throws(MailComposer.Failure) -> [ContextEntry] {
        guard let sealed = sealedContext else { return [] }
        let plain: [UInt8]
        do throws(SecretError) {
            plain = try key.open(sealed, from: .eventContext(id.description))
        } catch {
            throw .secretUnreadable
        }
        guard let secret = [ContextEntry](json: String(decoding: plain, as: UTF8.self)) else {
            throw .secretUnreadable
        }
        return secret
    }

    /// The variables but those that were sealed.
    var openContext: Context { Self.context(context) }

    private static func context(_ entries: [ContextEntry]) -> Context {
        Context(unchecked: Dictionary(entries.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first }))
    }
}
