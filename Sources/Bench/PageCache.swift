import Foundation
import Glibc
import VectorStore

/// The pages of a store's files in memory, and what missing ones cost.
enum PageCache {
    /// Drops the files' pages, so that the next search reads the disk.
    ///
    /// The kernel keeps pages that a process has mapped; ours lets go of them first, which is harmless
    /// for mappings of files that nobody writes: see madvise(2), MADV_DONTNEED.
    static func drop(_ directory: String) throws {
        let root = URL(fileURLWithPath: directory).resolvingSymlinksInPath().path
        let maps = try String(contentsOfFile: "/proc/self/maps", encoding: .utf8)
        for line in maps.split(separator: "\n") {
            let fields = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
            // The path is padded with spaces to a column of its own.
            guard fields.count == 6, fields[1].hasPrefix("r--"),
                fields[5].drop(while: { $0 == " " }).hasPrefix(root + "/")
            else { continue }
            let ends = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
            guard ends.count == 2, let start = UnsafeMutableRawPointer(bitPattern: ends[0]) else {
                continue
            }
            madvise(start, Int(ends[1] - ends[0]), MADV_DONTNEED)
        }
        let files = FileManager.default.enumerator(atPath: root)
        while let name = files?.nextObject() as? String {
            let descriptor = open(root + "/" + name, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
            guard descriptor >= 0 else { continue }
            posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
            close(descriptor)
        }
    }

    /// Page faults of this process so far.
    static var faults: Faults {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return Faults(minor: usage.ru_minflt, major: usage.ru_majflt)
    }

    /// Numbers of page faults: `major` ones waited for the disk.
    struct Faults {
        var minor: Int
        var major: Int

        static func + (left: Faults, right: Faults) -> Faults {
            Faults(minor: left.minor + right.minor, major: left.major + right.major)
        }

        static func - (left: Faults, right: Faults) -> Faults {
            Faults(minor: left.minor - right.minor, major: left.major - right.major)
        }
    }
}
