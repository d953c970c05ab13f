internal import CarillonGRPC

/// Which version this is.
enum Version {
    /// Semantic version of the program: that of the library, which tells it to servers.
    static let text = LibraryVersion.text
}
