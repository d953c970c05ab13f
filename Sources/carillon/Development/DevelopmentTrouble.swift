/// Why a development environment cannot be made: a sentence for the user, with what a program printed.
struct DevelopmentTrouble: Error, CustomStringConvertible {
    /// What went wrong.
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
