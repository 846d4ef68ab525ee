import CStorageShims
import Glibc

/// How mapped bytes will be used, as madvise(2) takes it.
package enum MapAdvice: Int32, Sendable {
    case normal = 0
    case random
    case sequential
    case willNeed
    case dontNeed
    case populate
    case hugePages
}

/// Read-only bytes of a file that never changes; unmapped with the last reference.
package final class MappedRegion: @unchecked Sendable {
    // Safe to share: nothing writes through the mapping.
    package let baseAddress: UnsafeRawPointer
    package let byteCount: Int
    private let release: @Sendable (UnsafeRawPointer, Int) -> Void
    private let isMapping: Bool

    package init(
        base: UnsafeRawPointer,
        byteCount: Int,
        isMapping: Bool,
        release: @escaping @Sendable (UnsafeRawPointer, Int) -> Void
    ) {
        baseAddress = base
        self.byteCount = byteCount
        self.isMapping = isMapping
        self.release = release
    }

    deinit {
        release(baseAddress, byteCount)
    }

    /// The bytes, valid while the region is referenced: hold on to it, the buffer does not.
    package var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: baseAddress, count: byteCount)
    }

    /// Tells the kernel about the pages of a range; it may do as it likes.
    package func advise(_ advice: MapAdvice, offset: Int = 0, byteCount: Int? = nil) {
        guard isMapping, self.byteCount > 0 else { return }
        let page = Int(getpagesize())
        let first = offset / page * page
        let end = min(self.byteCount, offset + (byteCount ?? self.byteCount - offset))
        guard end > first else { return }
        _ = vs_advise(
            UnsafeMutableRawPointer(mutating: baseAddress + first),
            end - first,
            advice.rawValue
        )
    }
}
