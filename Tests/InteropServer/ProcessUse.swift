import Glibc

/// What this process uses, from procfs (proc(5)).
enum ProcessUse {
    /// Resident memory in octets; 0 if procfs cannot be read.
    static var residentBytes: UInt64 {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, CInt(line.count), file) != nil else { return 0 }
        // Pages: the whole, the resident, and further ones.
        let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        let fields = text.split(separator: " ")
        guard fields.count > 1, let pages = UInt64(fields[1]) else { return 0 }
        return pages * UInt64(sysconf(CInt(_SC_PAGESIZE)))
    }

    /// Lets the process open as many descriptors as the system allows it, which is more than it has at the start.
    static func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// Open descriptors, without the one that looks; 0 if procfs cannot be read.
    static var openDescriptors: UInt64 {
        guard let folder = opendir("/proc/self/fd") else { return 0 }
        defer { closedir(folder) }
        var entries: UInt64 = 0
        while readdir(folder) != nil { entries += 1 }
        // Without ".", ".." and the folder itself.
        return entries > 3 ? entries - 3 : 0
    }
}
