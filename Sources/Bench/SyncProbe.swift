import Foundation

/// Measures the disk's own rate of 4 KiB overwrites with fdatasync(2).
///
/// Overwrites leave the file's length and its blocks alone, so that nothing but the data is written:
/// one writer of a log cannot be faster.
final class SyncProbe {
    private let path: String
    private let descriptor: Int32
    private static let byteCount = 4 << 20

    /// Makes a file beside `directory`, on the same disk, removed at the end.
    init(beside directory: String) throws {
        let name = directory.hasSuffix("/") ? String(directory.dropLast()) : directory
        path = name + "-sync-" + UUID().uuidString
        descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw BenchError("cannot create \(path)") }
        let zeros = [UInt8](repeating: 0, count: Self.byteCount)
        guard pwrite(descriptor, zeros, zeros.count, 0) == zeros.count, fsync(descriptor) == 0
        else { throw BenchError("cannot write \(path)") }
    }

    deinit {
        close(descriptor)
        unlink(path)
    }

    /// Overwrites a second.
    func rate(seconds: Double) throws -> Double {
        let bytes = [UInt8](repeating: 1, count: 4_096)
        let start = ContinuousClock.now
        var count = 0
        while elapsed(since: start) < seconds {
            let offset = off_t(count * bytes.count % Self.byteCount)
            guard pwrite(descriptor, bytes, bytes.count, offset) == bytes.count,
                fdatasync(descriptor) == 0
            else { throw BenchError("cannot write \(path)") }
            count += 1
        }
        return Double(count) / elapsed(since: start)
    }
}
