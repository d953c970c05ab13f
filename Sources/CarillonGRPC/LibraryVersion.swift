/// The one place that says which version this is.
package enum LibraryVersion {
    /// Semantic version of the library and of the program, the same as the chart's `appVersion`.
    package static let text = "0.1.0"
}
