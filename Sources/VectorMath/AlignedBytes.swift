import Glibc

/// Bytes on a 64-byte boundary, and from 2 MiB on in huge pages where the system gives them: scans that
/// jump between lists miss fewer address translations there.
package final class AlignedBytes: @unchecked Sendable {
    // Safe to share: written before it is shared, and constant from then on.
    package let start: UnsafeMutableRawPointer
    package let byteCount: Int
    private let mappedByteCount: Int

    private static let hugePage = 2 << 20

    /// Zeroed bytes.
    package init(byteCount: Int) {
        self.byteCount = byteCount
        let page = byteCount >= Self.hugePage ? Self.hugePage : 4_096
        let size = (max(byteCount, 1) + page - 1) / page * page
        // Room to move the start to a boundary, given back at once.
        let slack = page == Self.hugePage ? page : 0
        let mapped = mmap(
            nil,
            size + slack,
            PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS,
            -1,
            0
        )
        guard let mapped, mapped != MAP_FAILED else {
            fatalError("no memory for \(byteCount) bytes")
        }
        let address = UInt(bitPattern: mapped)
        let skipped = Int((UInt(page) - address % UInt(page)) % UInt(page))
        if skipped > 0 { munmap(mapped, skipped) }
        start = mapped + skipped
        if slack > skipped { munmap(start + size, slack - skipped) }
        mappedByteCount = size
        if slack > 0 { _ = madvise(start, size, MADV_HUGEPAGE) }
    }

    package convenience init(copying bytes: UnsafeRawBufferPointer) {
        self.init(byteCount: bytes.count)
        if let source = bytes.baseAddress {
            start.copyMemory(from: source, byteCount: bytes.count)
        }
    }

    deinit {
        munmap(start, mappedByteCount)
    }
}
