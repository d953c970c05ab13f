/// Whose certificates a server may show. There is no way to trust everybody.
public enum TrustedAuthorities: Sendable, Hashable {
    /// Those that the system trusts.
    case system
    /// Those in a PEM file.
    case file(String)
    /// Those in a PEM text.
    case pem(String)
}
