import Testing

@testable import carillon

@Suite("Settings of metrics")
struct MetricsSettingsTests {
    private static let key = String(repeating: "k", count: 32)

    private static func read(_ flags: [SettingKey: String]) -> (settings: MetricsSettings?, mistakes: [String]) {
        var reader = SettingsReader(flags: flags, environment: [:])
        let settings = MetricsSettings(&reader)
        do throws(ConfigurationMistakes) {
            try reader.finish()
            return (settings, [])
        } catch {
            return (settings, error.messages)
        }
    }

    @Test("Metrics are shown where somebody says so")
    func places() throws {
        let (none, quiet) = Self.read([:])
        #expect(none == nil && quiet.isEmpty)
        for place in ["127.0.0.1:9464", "localhost:0", "[::1]:9464", "127.1.2.3:1"] {
            let (settings, mistakes) = Self.read([.metricsListen: place])
            #expect(settings?.listen == HostAndPort(place) && settings?.key == nil && mistakes.isEmpty, "\(place)")
        }
    }

    @Test(
        "What other machines can reach needs a key",
        arguments: [
            ":9464", "0.0.0.0:9464", "[::]:9464", "127.0.0.1.example:9464", "notify.example:9464", "10.1.2.3:9464",
        ])
    func others(place: String) throws {
        let (_, mistakes) = Self.read([.metricsListen: place])
        #expect(mistakes.count == 1 && mistakes[0].contains("can be reached from other machines"), "\(mistakes)")
        let folder = try ScratchFolder()
        let file = try folder.file("metrics.key", Self.key + "\n")
        let (settings, none) = Self.read([.metricsListen: place, .metricsKeyFile: file])
        #expect(none.isEmpty && settings?.key?.matches("Bearer " + Self.key) == true)
    }

    @Test("A key that is none, and one for nothing, are mistakes, and the key is not told")
    func keys() throws {
        let folder = try ScratchFolder()
        for text in [
            "", "short", "nineteen-characters", String(repeating: "x", count: 513), "two words that are long enough",
        ] {
            let file = try folder.file("wrong.key", text)
            let (_, mistakes) = Self.read([.metricsListen: "127.0.0.1:1", .metricsKeyFile: file])
            #expect(
                mistakes.count == 1 && mistakes[0].hasPrefix("--metrics-key-file holds no key of 20 to 512"),
                "\(mistakes)")
            #expect(text.isEmpty || !mistakes[0].contains(text))
        }
        let file = try folder.file("metrics.key", Self.key)
        #expect(
            Self.read([.metricsKeyFile: file]).mistakes == ["--metrics-key-file says nothing without metrics.listen"])
        #expect(Self.read([.metricsListen: "9464"]).mistakes == [#"--metrics-listen is "9464", not HOST:PORT"#])
    }

    @Test("Only the key itself opens")
    func matching() throws {
        let key = try #require(MetricsKey(Self.key))
        #expect(key.matches("Bearer " + Self.key) && key.matches("bearer " + Self.key))
        for wrong in [
            nil, "", "Bearer", "Bearer ", Self.key, "Basic " + Self.key, "Bearer " + Self.key + "k",
            "Bearer " + Self.key.dropLast(), "Bearer " + Self.key.uppercased(),
            "Bearer " + String(repeating: "k", count: 5_000),
        ] {
            #expect(!key.matches(wrong), "\(wrong ?? "nothing")")
        }
    }
}
