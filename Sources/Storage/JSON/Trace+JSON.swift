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
                }
            }
            $0.key("source")
            $0.string(settingSource.rawValue)
            if let duty {
                $0.key("duty")
                $0.string(duty.rawValue)
            }
            if let choice {
                $0.key("choice")
                $0.array {
                    $0.string(choice.level.rawValue)
                    $0.bool(choice.isOn)
                }
            }
        }
        return writer.text
    }

    /// Reads the stored form; nil when it is not one.
    init?(json: String, audience: Audience) {
        guard let value = JSONValue(json), let source = value["source"]?.string.flatMap(SettingSource.init(rawValue:))
        else { return nil }
        var setting: Setting?
        if let stored = value["setting"] {
            guard let parts = stored.array, parts.count == 3, let enabled = parts[0].bool,
                let subscribed = parts[1].bool, let mandatory = parts[2].string.flatMap(Mandatory.init(rawValue:))
            else { return nil }
            setting = Setting(enabled: enabled, defaultSubscribed: subscribed, mandatory: mandatory)
        }
        var duty: Duty?
        if let stored = value["duty"] {
            duty = stored.string.flatMap(Duty.init(rawValue:))
            guard duty != nil else { return nil }
        }
        var choice: ChoiceUsed?
        if let stored = value["choice"] {
            guard let parts = stored.array, parts.count == 2, let isOn = parts[1].bool,
                let level = parts[0].string.flatMap(ChoiceLevel.init(rawValue:))
            else { return nil }
            choice = ChoiceUsed(level: level, isOn: isOn)
        }
        self.init(audience: audience, setting: setting, settingSource: source, duty: duty, choice: choice)
    }
}
