/// What a server said it can do in its answer to EHLO (RFC 5321 §4.1.1.1), as far as Carillon uses it.
struct SMTPCapabilities: Equatable {
    /// Commands may be sent without waiting for the answers (RFC 2920).
    var pipelining = false
    /// The size of the message may be declared with `MAIL FROM` (RFC 1870).
    var size = false

    /// What a server can do of which nothing is known.
    static let none = SMTPCapabilities()

    /// Reads the lines of an answer to EHLO; the first line is the server's name.
    init(lines: [String]) {
        for line in lines.dropFirst() {
            switch line.prefix(while: { $0 != " " }).uppercased() {
            case "PIPELINING": pipelining = true
            case "SIZE": size = true
            default: break
            }
        }
    }

    private init() {}
}
