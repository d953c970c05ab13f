/// What is wrong with one field of a request.
public struct FieldViolation: Sendable, Hashable {
    /// The path of the field, such as `context[2].name`.
    public let field: String
    /// What is wrong with it, for a developer.
    public let description: String
}
