/// Why nothing could be generated; protoc shows the description to whoever called it.
package struct GeneratorError: Error, CustomStringConvertible {
    /// One sentence that names the option, or the file and method.
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}
