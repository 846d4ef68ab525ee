import Foundation
import Synchronization

/// Samples the anonymous memory of this process (`RssAnon` of proc(5)) until it is stopped.
final class MemorySampler: Sendable {
    private struct State {
        var peak = 0.0
        var isStopped = false
    }

    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "memory sampler")

    init() {
        queue.async { [self] in
            while !state.withLock({ $0.isStopped }) {
                let now = Self.anonymousMebibytes()
                state.withLock { $0.peak = max($0.peak, now) }
                usleep(20_000)
            }
        }
    }

    /// The most that was seen, in MiB.
    func stop() -> Double {
        state.withLock { $0.isStopped = true }
        queue.sync {}
        return state.withLock { $0.peak }
    }

    private static func anonymousMebibytes() -> Double {
        guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("RssAnon:") }),
            let kibibytes = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst()
                .first
        else { return 0 }
        return (Double(kibibytes) ?? 0) / 1_024
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
