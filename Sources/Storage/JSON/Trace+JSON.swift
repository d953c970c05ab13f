internal import Domain

extension Trace {
    /// The stored form. The audience stands in a column of its own.
    var json: String {
        var writer = JSONWriter()
        writer.object {
            if let setting {
                $0.key("setting")
                $0.array {
                    $0.bool(setting.enabled)
                    $0.bool(setting.defaultSubscribed)
                    $0.string(setting.mandatory.rawValue)
                    if !setting.mandatoryChannels.isEmpty {
                        $0.array(setting.mandatoryChannels.channels) { $0.string($1.rawValue) }
                    }
                }
            }
            $0.key("source")
            $0.string(settingSource.rawValue)
            if let duty {
                $0.key("duty")
                $0.string(duty.rawValue)
            }
            $0.write(choice, as: "choice")
            $0.write(accountChoice, as: "account")
        }
        return writer.text
    }

    /// Reads the stored form; nil when it is not one.
    init?(json: String, audience: Audience) {
        guard let value = JSONValue(json), let source = value["source"]?.string.flatMap(SettingSource.init(rawValue:))
        else { return nil }
        var setting: Setting?
        if let stored = value["setting"] {
            guard let parts = stored.array, (3...4).contains(parts.count), let enabled = parts[0].bool,
                let subscribed = parts[1].bool, let mandatory = parts[2].string.flatMap(Mandatory.init(rawValue:))
            else { return nil }
            var channels: ChannelSet = []
            for name in parts.count == 4 ? parts[3].array ?? [] : [] {
                guard let channel = name.string.flatMap(Channel.init(rawValue:)) else { return nil }
                channels.formUnion(ChannelSet(channel))
            }
            setting = Setting(
                enabled: enabled, defaultSubscribed: subscribed, mandatory: mandatory, mandatoryChannels: channels)
        }
        var duty: Duty?
        if let stored = value["duty"] {
            duty = stored.string.flatMap(Duty.init(rawValue:))
            guard duty != nil else { return nil }
        }
        do throws(Malformed) {
            self.init(
                audience: audience, setting: setting, settingSource: source, duty: duty,
                choice: try ChoiceUsed(value["choice"]), accountChoice: try ChoiceUsed(value["account"]))
        } catch {
            return nil
        }
    }
}

private struct Malformed: Error {}

extension Trace.ChoiceUsed {
    /// Reads the stored form; nil when nothing is stored.
    fileprivate init?(_ stored: JSONValue?) throws(Malformed) {
        guard let stored else { return nil }
        guard let parts = stored.array, parts.count == 2, let isOn = parts[1].bool,
            let level = parts[0].string.flatMap(Trace.ChoiceLevel.init(rawValue:))
        else { throw Malformed() }
        self.init(level: level, isOn: isOn)
    }
}

extension JSONWriter {
    fileprivate mutating func write(_ choice: Trace.ChoiceUsed?, as name: String) {
        guard let choice else { return }
        key(name)
        array {
            $0.string(choice.level.rawValue)
            $0.bool(choice.isOn)
        }
    }
}
