/// Why something could not be sealed or opened. Says nothing about keys or contents.
package struct SecretError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong.
    package enum Code: String, Sendable, Hashable {
        /// The text of a key file is not 32 octets in base64 a line.
        case malformedKey = "malformed_key"
        /// The sealed octets do not have the form that this version writes.
        case malformedBox = "malformed_box"
        /// The key that wrapped the data key is not in the key ring.
        case unknownKey = "unknown_key"
        /// It was sealed with another key or for another place, or was changed.
        case notAuthentic = "not_authentic"
    }

    /// What is wrong.
    package let code: Code
    /// What is wrong, for people.
    package let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
