import Foundation
import Logging
import Testing

@testable import carillon

@Suite("Settings")
struct SettingsReaderTests {
    @Test("A key has the same name in three places")
    func names() {
        #expect(SettingKey.tlsCertificate.flag == "tls-certificate")
        #expect(SettingKey.tlsCertificate.variable == "CARILLON_TLS_CERTIFICATE")
        #expect(SettingKey.databaseOwnerURL.variable == "CARILLON_DATABASE_OWNER_URL")
        #expect(SettingKey.databaseOwnerURL.components == ["database", "owner-url"])
        #expect(SettingKey.operatorKeyFile.flag == "operator-key-file")
    }

    @Test(
        "Flags win over the environment, the environment over the file",
        arguments: [
            (["7"], "5", "3", 7), ([], "5", "3", 5), ([], nil, "3", 3), ([], nil, nil, 4), ([], "", "3", 3),
            (["7"], nil, nil, 7), (["7"], nil, "3", 7),
        ] as [([String], String?, String?, Int)])
    func precedence(flag: [String], variable: String?, file: String?, expected: Int) throws {
        let folder = try ScratchFolder()
        let path = try folder.file(
            "settings.json", file.map { #"{"database": {"connections": \#($0)}}"# } ?? #"{"log": {"level": "debug"}}"#)
        var environment = ["CARILLON_CONFIG": path]
        environment["CARILLON_DATABASE_CONNECTIONS"] = variable
        var flags: [SettingKey: String] = [:]
        flags[.databaseConnections] = flag.first
        var reader = SettingsReader(flags: flags, environment: environment)
        #expect(reader.integer(.databaseConnections, in: 1...64, default: 4) == expected)
        #expect(reader.mistakes == [])
    }

    @Test("The flag --config names the file, whatever the environment says")
    func fileByFlag() throws {
        let folder = try ScratchFolder()
        let named = try folder.file("named.json", #"{"log": {"level": "error"}}"#)
        let other = try folder.file("other.json", #"{"log": {"level": "debug"}}"#)
        var reader = SettingsReader(flags: [.config: named], environment: ["CARILLON_CONFIG": other])
        #expect(reader.logLevel() == .error)
        #expect(reader.mistakes == [])
    }

    @Test(
        "A value of the wrong kind is told by the name it has where it comes from",
        arguments: [
            ([.loops: "many"], [:], nil, "--loops is not a whole number"),
            ([:], ["CARILLON_LOOPS": "4.5"], nil, "CARILLON_LOOPS is not a whole number"),
            ([:], [:], #"{"loops": "4"}"#, "loops in FILE is not a whole number"),
            ([.loops: "-1"], [:], nil, "--loops is -1, not a number from 0 to 256"),
            ([:], ["CARILLON_LOOPS": "257"], nil, "CARILLON_LOOPS is 257, not a number from 0 to 256"),
        ] as [([SettingKey: String], [String: String], String?, String)])
    func badNumbers(flags: [SettingKey: String], environment: [String: String], file: String?, expected: String) throws
    {
        let folder = try ScratchFolder()
        var environment = environment
        let path = try folder.file("settings.json", file ?? "{}")
        environment["CARILLON_CONFIG"] = path
        var reader = SettingsReader(flags: flags, environment: environment)
        _ = reader.integer(.loops, in: 0...256, default: 0)
        #expect(reader.mistakes == [expected.replacing("FILE", with: path)])
    }

    @Test(
        "Yes and no",
        arguments: [("true", true), ("FALSE", false), ("1", true), ("no", false), ("maybe", nil), ("2", nil)]
            as [(String, Bool?)])
    func toggles(text: String, expected: Bool?) {
        var reader = SettingsReader(flags: [:], environment: ["CARILLON_WORKER_ENABLED": text])
        let value = reader.toggle(.workerEnabled, default: true)
        if let expected {
            #expect(value == expected)
            #expect(reader.mistakes == [])
        } else {
            #expect(reader.mistakes == ["CARILLON_WORKER_ENABLED is not true or false"])
        }
    }

    @Test("Levels of the log")
    func levels() {
        var good = SettingsReader(flags: [.logLevel: "WARNING"], environment: [:])
        #expect(good.logLevel() == .warning)
        var bad = SettingsReader(flags: [.logLevel: "loud\nand clear"], environment: [:])
        #expect(bad.logLevel() == .info)
        #expect(
            bad.mistakes == [
                "--log-level is \"loud and clear\", not one of trace, debug, info, notice, warning, error, critical"
            ])
    }

    @Test(
        "A file that is not as it should be",
        arguments: [
            ("{", "is not a JSON object of texts, numbers and booleans"),
            ("[1]", "is not a JSON object of texts, numbers and booleans"),
            (#"{"tls": {"certficate": "x"}}"#, "unknown key tls.certficate (is tls.certificate meant?)"),
            (#"{"config": "x"}"#, "unknown key config"),
            (#"{"port-file": "x"}"#, "unknown key port-file"),
            (#"{"tls.key": "x", "zzz": {"y": 1}}"#, "unknown key zzz.y"),
        ])
    func files(text: String, message: String) throws {
        let folder = try ScratchFolder()
        let path = try folder.file("settings.json", text)
        let reader = SettingsReader(flags: [.config: path], environment: [:])
        #expect(reader.mistakes == ["\(path): \(message)"])
    }

    @Test("A file that is not there")
    func missingFile() {
        let reader = SettingsReader(flags: [.config: "/nonexistent/settings.json"], environment: [:])
        #expect(reader.mistakes == ["/nonexistent/settings.json: cannot be read"])
    }

    @Test("All unknown keys are told, in their order")
    func unknownKeys() {
        let object: [String: Any] = ["b": ["x": 1], "listne": ":1", "a": 2, "loops": 1]
        #expect(
            UnknownKeys.of(object, known: ["listen", "loops"]) == [
                "unknown key a", "unknown key b.x", "unknown key listne (is listen meant?)",
            ])
    }
}
