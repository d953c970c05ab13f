/// Everything that is wrong with what the user configured, said at once. Values of secrets are not in it.
struct ConfigurationMistakes: Error, CustomStringConvertible, Equatable {
    /// One line each, in the order in which they were found.
    let messages: [String]

    /// What the user reads.
    var description: String {
        let heading = messages.count == 1 ? "there is a mistake" : "there are \(messages.count) mistakes"
        return "\(heading) in the configuration:\n" + messages.map { "  \($0)" }.joined(separator: "\n")
    }
}
