import Testing

/// The rules of the house, held against the repository as it lies there.
@Suite("The house")
struct HouseTests {
    private static func check(_ violations: [Violation], _ comment: Comment) {
        #expect(violations.isEmpty, "\(comment):\n\(violations.map(\.description).joined(separator: "\n"))")
    }

    @Test("There is something to check")
    func presence() throws {
        let targets = try Repository.sourceTargets()
        #expect(targets.contains("CarillonNet"))
        #expect(targets.contains("Domain"))
        #expect(Repository.handWrittenFiles(of: "CarillonNet").count > 5)
        #expect(Repository.files.contains { $0.path == "Makefile" })
        #expect(Repository.files.contains { $0.path == ".ci/run" })
    }

    @Test("Targets import only what they may know")
    func imports() throws {
        for target in try Repository.sourceTargets() where !House.systemLibraries.contains(target) {
            let files = Repository.handWrittenFiles(of: target)
            Self.check(files.flatMap { ImportRule.violations(in: $0, of: target) }, "imports")
        }
    }

    @Test("Every target in Package.swift has the strict settings and its place")
    func manifest() throws {
        let manifest = try Manifest.ofRepository()
        #expect(manifest.targets.count > 10)
        Self.check(ManifestRule.violations(in: manifest), "manifest")
        let declared = Set(manifest.targets.map(\.name))
        #expect(try Set(Repository.sourceTargets()).subtracting(declared) == [], "folders that are no targets")
    }

    @Test("Nothing below the executable leaves the loop")
    func loop() throws {
        for target in try Repository.sourceTargets() where !House.aboveTheLoop.contains(target) {
            let files = Repository.handWrittenFiles(of: target)
            Self.check(files.flatMap(PatternRule.offTheLoop.violations), "off the loop")
        }
    }

    @Test("SQL stands in Storage")
    func sql() throws {
        for target in try Repository.sourceTargets() where !House.roomsOfSQL.contains(target) {
            Self.check(Repository.handWrittenFiles(of: target).flatMap(PatternRule.sql.violations), "SQL")
        }
    }

    @Test("What others can see is documented")
    func documentation() throws {
        for target in try Repository.sourceTargets() {
            let files = Repository.handWrittenFiles(of: target)
            Self.check(files.flatMap(DocumentationRule.violations), "documentation")
        }
    }

    @Test("Each target has its essay")
    func essays() throws {
        for target in try Repository.sourceTargets() {
            let files = Repository.files(below: "Sources/\(target)")
            Self.check(EssayRule.violations(target: target, files: files), "essays")
        }
    }

    @Test("No file is too long")
    func lengths() {
        let files = (Repository.files(below: "Sources") + Repository.files(below: "Tests")).filter { file in
            !file.isGenerated && [".swift", ".py", ".css", ".js", ".html"].contains(where: file.path.hasSuffix)
        }
        Self.check(files.flatMap(LengthRule.violations), "length")
    }

    @Test("Nothing is marked as unfinished")
    func unfinishedWork() {
        let files = Repository.files.filter { !$0.isGenerated }
        Self.check(files.flatMap(PatternRule.unfinished.violations), "unfinished work")
    }

    @Test("No file knows one machine")
    func machinePaths() {
        Self.check(Repository.files.flatMap(PatternRule.machinePaths.violations), "machine paths")
    }

    @Test("swift-format has nothing to say")
    func format() throws {
        let output = try SwiftFormat.lint(paths: ["Package.swift", "Sources", "Tests"])
        #expect(output.status == 0, "\(output.text)")
    }
}
