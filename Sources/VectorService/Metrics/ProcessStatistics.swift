import Glibc

/// What the system says of this process; zeros where it says nothing.
///
/// - Source: proc(5).
struct ProcessStatistics {
    var processorSeconds = 0.0
    var residentByteCount = 0.0
    var descriptorCount = 0.0
    var descriptorLimit = 0.0
    var startSeconds = 0.0

    init() {
        let fields = Self.fields()
        let ticks = Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
        // Counted from the field after the name: state is 0, utime 11, stime 12, starttime 19, rss 21.
        if fields.count > 21 {
            processorSeconds = ((Double(fields[11]) ?? 0) + (Double(fields[12]) ?? 0)) / ticks
            residentByteCount = (Double(fields[21]) ?? 0) * Double(sysconf(Int32(_SC_PAGESIZE)))
            startSeconds = Self.bootSeconds() + (Double(fields[19]) ?? 0) / ticks
        }
        if let directory = opendir("/proc/self/fd") {
            while let entry = readdir(directory) {
                if entry.pointee.d_name.0 == 46 { continue }
                descriptorCount += 1
            }
            closedir(directory)
        }
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            descriptorLimit = Double(limit.rlim_cur)
        }
    }

    private static func fields() -> [Substring] {
        let text = contents("/proc/self/stat")
        // The name of the process stands in parentheses and may hold anything.
        guard let end = text.lastIndex(of: ")") else { return [] }
        return text[text.index(after: end)...].split(separator: " ")
    }

    private static func bootSeconds() -> Double {
        for line in contents("/proc/stat").split(separator: "\n") where line.hasPrefix("btime ") {
            return Double(line.dropFirst(6)) ?? 0
        }
        return 0
    }

    private static func contents(_ path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
