internal import Foundation

/// How many descriptors this process may have open. Each connection of a caller takes one, and the soft limit that
/// systems hand out is meant for programs that use select(2), which this one does not.
enum DescriptorLimit {
    /// Raises the soft limit to the hard one, as far as the system lets us.
    ///
    /// - Returns: how many descriptors there may be.
    @discardableResult
    static func raise() -> UInt64 {
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return 0 }
        var raised = limit
        raised.rlim_cur = limit.rlim_max
        return UInt64(setrlimit(resource, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur)
    }

    #if canImport(Glibc)
        private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
        private static let resource = RLIMIT_NOFILE
    #endif
}
