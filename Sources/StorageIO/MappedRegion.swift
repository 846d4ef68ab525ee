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
///
/// A page of a mapping that cannot be read, because the disk failed or the file was cut short, reads
/// as zeros and sets `hasFailed`: whoever reads looks at it afterwards, and before it lets a result out.
package final class MappedRegion: @unchecked Sendable {
    // Safe to share: nothing writes through the mapping; a loader fills each byte once, before it is
    // handed out.
    package let baseAddress: UnsafeRawPointer
    package let byteCount: Int
    private let release: @Sendable (UnsafeRawPointer, Int) -> Void
    private let isMapping: Bool
    private let watch: Int32?
    private let loader: RegionLoader?

    /// - Parameters:
    ///   - watch: The slot of `vs_guard_add`; the region gives it back.
    ///   - loader: Fills the bytes when they are first needed; nil when all are there.
    package init(
        base: UnsafeRawPointer,
        byteCount: Int,
        isMapping: Bool,
        watch: Int32? = nil,
        loader: RegionLoader? = nil,
        release: @escaping @Sendable (UnsafeRawPointer, Int) -> Void
    ) {
        baseAddress = base
        self.byteCount = byteCount
        self.isMapping = isMapping
        self.watch = watch
        self.loader = loader
        self.release = release
    }

    deinit {
        // Before the pages go: their addresses may be another's the moment after.
        if let watch { vs_guard_remove(watch) }
        release(baseAddress, byteCount)
    }

    /// Whether a page could not be read since the file was mapped.
    package var hasFailed: Bool {
        guard let watch else { return false }
        return vs_guard_failed(watch) != 0
    }

    /// Makes sure that the bytes of a range are there; a mapping has them by itself.
    package func load(_ range: Range<Int>) throws(StorageIOError) {
        if let loader { try loader.load(range) }
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
