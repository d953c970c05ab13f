extension MetadataField {
    /// Whether a caller may send a field with a request: what a handler may send with its answer, less the fields by which
    /// a client tells of its retries.
    static func isValidInRequest(_ name: String, _ value: String) -> Bool {
        isValid(name, value) && !name.utf8.starts(with: "grpc-".utf8)
    }
}

extension RPCClient.Configuration {
    /// What of the fields of every call cannot be sent; `nil` when all can. A client with a defect fails each of its calls
    /// with it.
    package var defect: Status? {
        for field in metadata where !MetadataField.isValidInRequest(field.name, field.value) {
            return MetadataField.refusal(of: field.name)
        }
        guard MetadataField.isWellFormed("user-agent", userAgent) else {
            return MetadataField.refusal(of: "user-agent")
        }
        return nil
    }
}

extension MetadataField {
    /// The value may be a secret, and the name is the caller's own.
    static func refusal(of name: String) -> Status {
        Status(.internalError, "the metadata field \"\(name)\" cannot be sent")
    }
}
