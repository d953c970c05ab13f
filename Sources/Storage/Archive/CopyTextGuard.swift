/// Looks whether octets are rows in COPY's text form as this program writes them.
///
/// COPY reads more than it writes: a carriage return may end a line, and a backslash with a full stop ends the data. Neither
/// stands in what COPY wrote, where both are escaped; in what somebody made by hand they would end a row before the columns
/// that decide whose it is.
struct CopyTextGuard: Sendable {
    /// Whether the octet before was a backslash that escapes the next one; pieces are cut anywhere.
    private var isEscaping = false

    /// Takes the next octets of a table.
    ///
    /// - Returns: whether they may be handed to COPY.
    mutating func admits(_ octets: [UInt8]) -> Bool {
        for octet in octets {
            if octet == UInt8(ascii: "\r") { return false }
            // A line feed behind a backslash would be part of a value, and end the row here and not there.
            if isEscaping, octet == UInt8(ascii: ".") || octet == UInt8(ascii: "\n") { return false }
            isEscaping = !isEscaping && octet == UInt8(ascii: "\\")
        }
        return true
    }
}
