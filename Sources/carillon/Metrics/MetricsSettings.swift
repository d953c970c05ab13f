/// Where metrics are shown, and to whom.
struct MetricsSettings: Sendable {
    /// Where.
    var listen: HostAndPort
    /// What a reader has to know; nil where only this machine can read.
    var key: MetricsKey?

    /// Reads and checks; nil where metrics are shown nowhere.
    init?(_ reader: inout SettingsReader) {
        let key = Self.key(&reader)
        let hasKey = reader.text(.metricsKeyFile) != nil
        guard let listen = reader.parsed(.metricsListen, as: "HOST:PORT", HostAndPort.init) else {
            if hasKey, reader.text(.metricsListen) == nil {
                reader.mistake(.metricsKeyFile, "says nothing without \(SettingKey.metricsListen.rawValue)")
            }
            return nil
        }
        if !hasKey, !listen.isOnLoopback {
            reader.mistake(
                .metricsListen,
                "can be reached from other machines; say by \(SettingKey.metricsKeyFile.rawValue) what readers have to know"
            )
        }
        self.listen = listen
        self.key = key
    }

    private static func key(_ reader: inout SettingsReader) -> MetricsKey? {
        guard reader.text(.metricsKeyFile) != nil, let file = reader.contents(.metricsKeyFile) else { return nil }
        let key = MetricsKey(file.text)
        if key == nil {
            reader.mistake(
                .metricsKeyFile,
                "holds no key of \(MetricsKey.lengths.lowerBound) to \(MetricsKey.lengths.upperBound) visible characters: "
                    + file.path)
        }
        return key
    }
}

extension HostAndPort {
    /// Whether only this machine can reach it. A name other than localhost may be anybody's.
    var isOnLoopback: Bool { host == "::1" || host == "localhost" || host.hasPrefix("127.") && isDotted }

    private var isDotted: Bool { host.allSatisfy { $0.isNumber || $0 == "." } }
}
