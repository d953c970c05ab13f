internal import Domain
internal import Security
internal import Storage

extension EventRecord {
    /// The variables, those among them that were sealed.
    ///
    /// - Parameter key: the tenant's data key.
    func whole(_ key: DataKey) throws(MailComposer.Failure) -> Context {
        let open = openContext
        guard let sealed = sealedContext else { return open }
        let plain: [UInt8]
        do throws(SecretError) {
            plain = try key.open(sealed, from: .eventContext(id.description))
        } catch {
            throw .secretUnreadable
        }
        guard let secret = [ContextEntry](json: String(decoding: plain, as: UTF8.self)) else {
            throw .secretUnreadable
        }
        return open.merging(Self.context(secret))
    }

    /// The variables but those that were sealed.
    var openContext: Context { Self.context(context) }

    private static func context(_ entries: [ContextEntry]) -> Context {
        Context(unchecked: Dictionary(entries.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first }))
    }
}
