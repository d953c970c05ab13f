import Testing

@Suite("The scanner that the rules stand on")
struct SwiftTextTests {
    @Test(
        "keeps code and drops the rest",
        arguments: [
            ("a // b", "a"),
            ("a /* b /* c */ d */ e", "a e"),
            (#"let x = "Task {" + y"#, "let x = + y"),
            (#"f("a\(g("b", h))c")"#, #"f( (g( , h)) )"#),
            (##"f(#"a"b\(c)"#, d)"##, "f( , d)"),
            (#"let r = /"[^"]*/; g()"#, "let r = ; g()"),
            (#"let r = #/"a/b"/#; g()"#, "let r = ; g()"),
            ("let half = a / b; let c = d / e", "let half = a / b; let c = d / e"),
            (#"let s = "\"" + z"#, "let s = + z"),
        ])
    func code(text: String, expected: String) {
        func squeezed(_ text: String) -> String {
            text.split(separator: " ").joined(separator: " ")
        }
        #expect(squeezed(SwiftText(text).code) == squeezed(expected))
    }

    @Test("keeps the number of every line")
    func lines() {
        let text = SwiftText("a\n/* b\n c */\nlet s = \"\"\"\n  SELECT \"x\"\n  \\(y)\n  \"\"\"\nlast")
        #expect(text.code.split(separator: "\n", omittingEmptySubsequences: false).count == 8)
        #expect(text.code.hasSuffix("last"))
        #expect(text.literals.map(\.line) == [4])
        #expect(text.literals.first?.text.contains("SELECT \"x\"") == true)
    }
}
