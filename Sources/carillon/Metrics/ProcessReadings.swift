internal import Foundation

/// What the system says of this process.
enum ProcessReadings {
    /// Seconds of processors that it has taken, in its own code and in the system's. POSIX counts them in microseconds.
    static var cpuSeconds: Double { Double(clock()) / 1e6 }

    /// Octets of the machine's memory that it takes; nil where the system does not say it in a file.
    static var residentOctets: Int? {
        guard let pages = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return nil }
        return resident(inPages: pages, of: Int(sysconf(Int32(_SC_PAGESIZE))))
    }

    /// The second number of `statm` (proc(5)), in octets.
    static func resident(inPages text: String, of size: Int) -> Int? {
        let fields = text.split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]) else { return nil }
        return pages * size
    }
}
