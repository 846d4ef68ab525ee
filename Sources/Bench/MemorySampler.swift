import Foundation
import Synchronization

/// What this process has in memory, by `/proc/self/status` of proc(5), in bytes.
struct ResidentMemory {
    /// Memory of its own (`RssAnon`).
    var anonymous = 0
    /// Pages of mapped files (`RssFile`), which the system may drop at any time.
    var file = 0

    static var now: ResidentMemory {
        guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) else {
            return ResidentMemory()
        }
        func bytes(_ name: String) -> Int {
            let line = text.split(separator: "\n").first { $0.hasPrefix(name) }
            let number = line?.split { $0 == " " || $0 == "\t" }.dropFirst().first
            return (number.flatMap { Int($0) } ?? 0) << 10
        }
        return ResidentMemory(anonymous: bytes("RssAnon:"), file: bytes("RssFile:"))
    }
}

/// Samples the memory of this process until it is stopped.
final class MemorySampler: Sendable {
    private struct State {
        var peak = ResidentMemory()
        var isStopped = false
    }

    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "memory sampler")

    init() {
        queue.async { [self] in
            while !state.withLock({ $0.isStopped }) {
                let now = ResidentMemory.now
                state.withLock {
                    $0.peak.anonymous = max($0.peak.anonymous, now.anonymous)
                    $0.peak.file = max($0.peak.file, now.file)
                }
                usleep(20_000)
            }
        }
    }

    /// The most that was seen of each, not necessarily at once.
    func stop() -> ResidentMemory {
        state.withLock { $0.isStopped = true }
        queue.sync {}
        return state.withLock { $0.peak }
    }
}

/// The rate at which a disk takes bytes in sequence.
enum DiskProbe {
    /// Writes `byteCount` bytes in pieces of 1 MiB, syncs them, and removes the file.
    ///
    /// - Returns: Megabytes (10⁶) a second, the sync counted.
    static func rate(beside directory: String, byteCount: Int) throws -> Double {
        let path = (directory as NSString).deletingLastPathComponent + "/" + UUID().uuidString
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw BenchError("cannot write \(path)") }
        defer {
            close(descriptor)
            unlink(path)
        }
        let piece = [UInt8](repeating: 0x5A, count: 1 << 20)
        let start = ContinuousClock.now
        var written = 0
        while written < byteCount {
            let count = write(descriptor, piece, min(piece.count, byteCount - written))
            guard count > 0 else { throw BenchError("cannot write \(path)") }
            written += count
        }
        guard fdatasync(descriptor) == 0 else { throw BenchError("cannot sync \(path)") }
        return Double(written) / elapsed(since: start) / 1e6
    }
}
