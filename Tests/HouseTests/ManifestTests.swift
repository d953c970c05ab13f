import Foundation
import Testing

@Suite("Package.swift as the package manager prints it")
struct ManifestTests {
    @Test("is read as far as the rules need it")
    func decoding() throws {
        let printed = """
            {"name": "x", "targets": [{"name": "B", "type": "regular", "dependencies": [{"byName": ["A", null]}, \
            {"target": ["C", null]}, {"product": ["Logging", "swift-log", null, null]}], "settings": [\
            {"kind": {"swiftLanguageMode": {"_0": "6"}}, "tool": "swift"}, \
            {"kind": {"treatAllWarnings": {"_0": "error"}}, "tool": "swift"}, \
            {"kind": {"strictMemorySafety": {}}, "tool": "swift"}, \
            {"kind": {"unsafeFlags": {"_0": ["-x"]}}, "tool": "swift"}]}]}
            """
        let target = try #require(JSONDecoder().decode(Manifest.self, from: Data(printed.utf8)).targets.first)
        #expect(target.name == "B")
        #expect(target.type == "regular")
        #expect(target.dependencies == ["A", "C", "Logging"])
        #expect(
            target.settings.isSuperset(of: ["swiftLanguageMode 6", "treatAllWarnings error", "strictMemorySafety"]))
    }
}
