/// A statement with the values of its parameters.
package struct Query: Sendable, Hashable {
    /// What to run.
    package let statement: Statement
    /// The values of `$1`, `$2`, … in order; at most 65,535.
    package let parameters: [Parameter]

    /// Makes a query.
    package init(_ statement: Statement, _ parameters: [Parameter] = []) {
        self.statement = statement
        self.parameters = parameters
    }
}
