/// Who a client is to the server.
public enum Credential: Sendable {
    /// The API key of a tenant, `cr_live_…`.
    case apiKey(String)
    /// The certificate of the connection alone says it: ``CarillonClient/Configuration/certificate``. For servers that know
    /// callers by their certificates; others answer ``CarillonError/Code/unauthenticated``.
    case certificate
}

extension Credential: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// What kind it is, never the key itself.
    public var description: String {
        switch self {
        case .apiKey: "an API key"
        case .certificate: "a certificate"
        }
    }

    /// The same as ``description``: a debugger's print is a log too.
    public var debugDescription: String { description }

    /// Shows nothing of the key.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
