import Testing

@testable import Storage

/// Rows in COPY's text form, as an archive brings them.
@Suite struct CopyTextTests {
    /// Whoever writes an archive by hand cannot make keys of others by it.
    @Test(arguments: ["a\tb\r\\.\r\n", "a\tb\r\n", "a\tb\n\\.\n", "\\.\n", "a\\\n"])
    func whatCopyReadsAndNeverWritesIsRefused(_ text: String) {
        let octets = Array(text.utf8)
        var whole = CopyTextGuard()
        let isTaken = whole.admits(octets)
        #expect(!isTaken)
        // Wherever it is cut.
        var pieces = CopyTextGuard()
        let areTaken = octets.allSatisfy { pieces.admits([$0]) }
        #expect(!areTaken)
    }

    @Test func whatCopyWritesIsTaken() {
        var rows = CopyTextGuard()
        let isTaken = rows.admits(Array("a\\\\.b\t\\N\t\\r\\n\\t\n.\t\\\\\n".utf8))
        #expect(isTaken)
    }

    @Test func rowsOfTheRegistryAreTheTenantsWhateverTheArchiveSays() {
        let completion = RowCompletion(["acme", "x"])
        let completed = completion.complete(Array("a\tb\n\\.\n".utf8))
        #expect(String(decoding: completed, as: UTF8.self) == "a\tb\tacme\tx\n\\.\tacme\tx\n")
    }
}
