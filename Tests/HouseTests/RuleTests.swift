import Testing

/// Each rule against an example that breaks it: a checker that cannot fail proves nothing.
@Suite("The rules can fail")
struct RuleTests {
    private static func file(_ text: String, path: String = "Sources/X/X.swift") -> RepositoryFile {
        RepositoryFile(path: path, text: text)
    }

    @Test(
        "imports",
        arguments: [
            ("Domain", "import CarillonNet", [1]),
            ("Domain", "// import CarillonNet\nlet s = \"import Storage\"", []),
            ("Domain", "import Foundation\n\nprivate import Storage", [3]),
            ("Storage", "package import Domain\ninternal import Postgres", []),
            ("Storage", "package import CLibPQ", [1]),
            ("Services", "internal import class CLibCurl.Thing", [1]),
            ("CarillonGRPC", "@preconcurrency internal import Foundation", [1]),
            ("CarillonNet", "#if canImport(Glibc)\n    internal import Glibc\n#endif", []),
            ("Nowhere", "import Swift", [1]),
        ])
    func imports(target: String, text: String, lines: [Int]) {
        #expect(ImportRule.violations(in: Self.file(text), of: target).map(\.line) == lines)
    }

    @Test(
        "off the loop",
        arguments: [
            ("Task { await f() }", [1]),
            ("let t = Task<Void, Never> { await f() }", [1]),
            ("\n    Task\n    {\n}", [2]),
            ("Task.detached { }", [1]),
            ("try await Task.sleep(for: .seconds(1))", [1]),
            ("try await Task<Never, Never>.sleep(nanoseconds: 1)", [1]),
            ("usleep(10)", [1]),
            ("DispatchQueue.main.async { }", [1]),
            ("print(x)", [1]),
            ("// Task { }\nlet s = \"Task { }\"", []),
            ("loop.spawn { await loop.sleep(for: .seconds(1)) }", []),
            ("let task = Task(executorPreference: loop) { }", []),
            ("func spawn() -> Task<Void, Never> {\n}\nvar t: Task<Void, Never> {\n}\nfunc sleep(for d: Int) {}", []),
            ("struct SendTask { let blueprint: Int }\nlogger.print(x)", []),
        ])
    func loop(text: String, lines: [Int]) {
        #expect(PatternRule.offTheLoop.violations(in: Self.file(text)).map(\.line) == lines)
    }

    @Test(
        "unfinished work",
        arguments: [
            ("// TO" + "DO: later", 1), ("# fix" + "me", 0), ("good for" + " now", 1), ("a St" + "ub", 1),
            ("service stubs", 0),
            ("a place" + "holder", 1), ("not" + " implemented", 1), ("stubborn, and unimplemented", 0),
            ("before nowadays", 0),
        ])
    func unfinishedWork(text: String, count: Int) {
        #expect(PatternRule.unfinished.violations(in: Self.file(text)).count == count)
    }

    @Test(
        "SQL",
        arguments: [
            (#"let q = "SELECT a FROM b""#, [1]),
            ("let q = \"\"\"\n  SELECT a,\n    b\n  FROM c\n  \"\"\"", [2]),
            (#"let q = "INSERT INTO t VALUES (1)""#, [1]),
            (#"let q = "DROP SCHEMA t_x CASCADE""#, [1]),
            ("// SELECT a FROM b", []),
            (#"let q = "SET LOCAL ROLE x""#, []),
            (#"let q = "Select the people from the list""#, []),
        ])
    func sql(text: String, lines: [Int]) {
        let found = PatternRule.sql.violations(in: Self.file(text)).map(\.line)
        // A literal over several lines is counted from the line of its quotes.
        #expect(found == lines)
    }

    @Test(
        "machine paths",
        arguments: [
            ("/ho" + "me/me/x", 1), ("see /wo" + "rk/main", 1), ("\"/ro" + "ot/.cache\"", 1),
            ("/opt/sw" + "ift/usr", 1),
            ("GET /livez", 0), ("https://example.com/home/x", 0), ("Sources/work/file", 0), ("/usr/lib/postgresql", 0),
        ])
    func machinePaths(text: String, count: Int) {
        #expect(PatternRule.machinePaths.violations(in: Self.file(text)).count == count)
    }

    @Test(
        "documentation",
        arguments: [
            ("package struct A {}", [1]),
            ("/// A thing.\npackage struct A {}", []),
            ("// A thing.\npublic final class A {}", [2]),
            ("/// A.\n@frozen\n@available(*, deprecated)\npackage enum A {}", []),
            ("/// A.\n\npackage enum A {}", [3]),
            ("    package static func f() {}\n    nonisolated package let x = 1", [1, 2]),
            ("    package private(set) var x = 1", [1]),
            ("    package init() {}", [1]),
            ("package override func f() {}", []),
            ("package let rawValue: Int\npackage init(rawValue: Int) {}\npackage static func == (a: A, b: A) {}", []),
            ("package let rawValues: Int\npackage func nextOne() {}\npackage init(raw: Int) {}", [1, 2, 3]),
            ("package import Domain\nlet x = package.url", []),
            ("struct A { let y = 1 }", []),
        ])
    func documentation(text: String, lines: [Int]) {
        #expect(DocumentationRule.violations(in: Self.file(text)).map(\.line) == lines)
    }

    @Test("manifest")
    func manifest() {
        func target(
            _ name: String, _ dependencies: [String], without: String? = nil, type: String = "regular"
        )
            -> Manifest.Target
        {
            Manifest.Target(
                name: name, type: type, dependencies: dependencies,
                settings: ManifestRule.settings.union(["strictMemorySafety"]).filter { $0 != without })
        }
        func count(_ targets: Manifest.Target...) -> Int {
            ManifestRule.violations(in: Manifest(targets: targets)).count
        }
        let domain = target("Domain", [])
        #expect(count(domain, target("Storage", ["Domain", "Logging"])) == 0)
        #expect(count(target("Domain", ["Storage"]), target("Storage", [])) == 1)
        #expect(count(target("Domain", [], without: "treatAllWarnings error")) == 1)
        #expect(count(target("Domain", [], without: "strictMemorySafety")) == 1)
        #expect(count(target("Postgres", [], without: "strictMemorySafety")) == 0)
        #expect(count(target("DomainTests", ["Storage"], without: "swiftLanguageMode 6", type: "test")) == 1)
        #expect(count(target("Attic", [])) == 1)
        #expect(count(Manifest.Target(name: "CLibPQ", type: "system", dependencies: [], settings: [])) == 0)
    }

    @Test("length")
    func length() {
        let line = "let x = 1\n"
        #expect(LengthRule.violations(in: Self.file(String(repeating: line, count: 500))).isEmpty)
        #expect(LengthRule.violations(in: Self.file(String(repeating: line, count: 501))).count == 1)
    }

    @Test("essays")
    func essays() {
        let path = "Sources/Attic/Attic.docc/Attic.md"
        func count(_ text: String) -> Int {
            EssayRule.violations(target: "Attic", files: [Self.file(text, path: path)]).count
        }
        let body = String(repeating: "It owns the boxes and must never open one. ", count: 20)
        #expect(count("# Attic\n\n" + body) == 0)
        #expect(count(body) == 1)
        #expect(count("# Attic\n\nIt never fails.") == 1)
        #expect(count("# Attic\n\n" + String(repeating: "It owns the boxes. ", count: 40)) == 1)
        #expect(EssayRule.violations(target: "Attic", files: []).count == 1)
        let map = Self.file("module C {}", path: "Sources/C/module.modulemap")
        #expect(EssayRule.violations(target: "C", files: [map]).isEmpty)
    }

    @Test("swift-format")
    func format() throws {
        func status(_ text: String) throws -> Int32 { try SwiftFormat.lint(text).status }
        #expect(try status("struct A {\n    let x = 1\n}\n") == 0)
        #expect(try status("struct A {\n  let x = 1\n}\n") != 0)
        #expect(try status("let x = 1;\n") != 0)
        #expect(try status("let x = try! f()\n") != 0)
    }
}
