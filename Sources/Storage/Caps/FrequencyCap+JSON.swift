internal import Domain

extension FrequencyCap {
    /// The stored list of some caps, in their order.
    static func json(_ caps: [FrequencyCap]) -> String {
        var writer = JSONWriter()
        writer.array(caps) { writer, cap in
            writer.object {
                $0.key("limit")
                $0.integer(Int64(cap.limit))
                $0.key("seconds")
                $0.integer(cap.seconds)
                switch cap.scope {
                case .all: break
                case .category(let name):
                    $0.key("category")
                    $0.string(name.rawValue)
                case .type(let key):
                    $0.key("type")
                    $0.string(key.rawValue)
                }
                guard let channel = cap.channel else { return }
                $0.key("channel")
                $0.string(channel.rawValue)
            }
        }
        return writer.text
    }

    /// Reads the stored list; what this version does not know is left out.
    static func list(json: String?) -> [FrequencyCap] {
        json.flatMap { JSONValue($0) }?.array?.compactMap { FrequencyCap($0) } ?? []
    }

    private init?(_ value: JSONValue) {
        guard let limit = value["limit"]?.integer, let seconds = value["seconds"]?.integer else { return nil }
        let channel = value["channel"]?.string.map { Channel(rawValue: $0) }
        if case .some(nil) = channel { return nil }
        let scope: Scope
        if let text = value["type"]?.string {
            guard let key = TypeKey(text) else { return nil }
            scope = .type(key)
        } else if let text = value["category"]?.string {
            guard let name = CategoryName(text) else { return nil }
            scope = .category(name)
        } else {
            scope = .all
        }
        self.init(Int(limit), within: seconds, of: scope, on: channel ?? nil)
    }
}
