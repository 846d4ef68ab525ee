import Glibc
import StorageIO
import Synchronization
import VectorMath

/// Copies of sections that every search reads here and there: in huge pages they cost fewer address
/// translations, and an I/O error under a mapping cannot reach them.
///
/// All of them together take at most an eighth of the machine's memory, beside codes, which are small.
enum HotMemory {
    /// Larger sections stay in their mapping: an open should not wait for them.
    private static let maximumByteCount = 64 << 20
    private static let used = Atomic<Int>(0)

    private static let limit: Int = {
        let pages = sysconf(Int32(_SC_PHYS_PAGES))
        return pages > 0 ? pages / 8 * sysconf(Int32(_SC_PAGESIZE)) : 0
    }()

    /// A copy, given back when it is let go.
    final class Copy: Sendable {
        let bytes: AlignedBytes

        fileprivate init(_ source: UnsafeRawBufferPointer) {
            bytes = AlignedBytes(copying: source)
        }

        deinit {
            HotMemory.used.subtract(bytes.byteCount, ordering: .relaxed)
        }
    }

    /// Whether there is room for so many bytes; then they are taken.
    static func reserve(_ byteCount: Int) -> Bool {
        guard byteCount <= maximumByteCount else { return false }
        let after = used.add(byteCount, ordering: .relaxed).newValue
        if after <= limit { return true }
        used.subtract(byteCount, ordering: .relaxed)
        return false
    }

    /// Copies bytes for which room was reserved.
    static func copy(_ source: UnsafeRawBufferPointer) -> Copy { Copy(source) }
}
