#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The processor time of the calling thread, which others on the machine do not disturb much.
enum CPUTime {
    /// Runs a closure and says how many seconds of the processor it took.
    static func spent(_ body: () -> Void) -> Double {
        let start = now()
        body()
        return now() - start
    }

    private static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
