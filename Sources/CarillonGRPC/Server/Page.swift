/// A plain HTTP resource on the same port, such as `/readyz`.
package struct Page: Sendable {
    /// What is answered to a GET or HEAD.
    package struct Answer: Sendable {
        /// The HTTP status code.
        package var status: Int
        /// The value of `content-type`.
        package var contentType: String
        /// The body.
        package var body: [UInt8]

        /// Makes an answer of plain text.
        package init(status: Int, text: String) {
            self.status = status
            contentType = "text/plain; charset=utf-8"
            body = Array(text.utf8)
        }
    }
    /// The exact path.
    package let path: String
    let answer: @Sendable () -> Answer

    /// Makes a page; the closure runs on a loop and must not wait.
    package init(_ path: String, _ answer: @escaping @Sendable () -> Answer) {
        self.path = path
        self.answer = answer
    }
}
