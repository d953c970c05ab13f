/// Finds variables that look like settings and are none. They are no mistakes: others may set them, as Kubernetes does
/// for a service of the name `carillon`.
enum UnknownVariables {
    /// The names, in order.
    static func of(_ environment: [String: String]) -> [String] {
        let known = Set(SettingKey.allCases.map(\.variable))
        return environment.keys.filter { $0.hasPrefix("CARILLON_") && !known.contains($0) }.sorted()
    }
}
