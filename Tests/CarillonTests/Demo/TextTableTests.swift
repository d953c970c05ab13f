import Testing

@testable import carillon

@Suite("Tables")
struct TextTableTests {
    @Test("have aligned columns, and nothing in them leaves its line")
    func alignment() {
        var table = TextTable("WHO", "WHY")
        table.add(["Ümit", "because\nof this"])
        table.add(["x", "y"])
        #expect(
            table.text == """
                WHO   WHY
                ────  ───────────────
                Ümit  because of this
                x     y
                """)
    }
}
