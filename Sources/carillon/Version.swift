/// The one place that says which version this is.
enum Version {
    /// Semantic version of the program, the same as the chart's `appVersion`.
    static let text = "0.1.0"
}
