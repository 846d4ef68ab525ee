import CVectorKernels

/// Bytes on a 64-byte boundary, and from 2 MiB on in huge pages where the system gives them: scans that
/// jump between lists miss fewer address translations there.
package final class AlignedBytes: @unchecked Sendable {
    // Safe to share: written before it is shared, and constant from then on.
    package let start: UnsafeMutableRawPointer
    package let byteCount: Int

    /// Zeroed bytes.
    package init(byteCount: Int) {
        self.byteCount = byteCount
        guard let start = vk_aligned_allocate(byteCount) else {
            fatalError("no memory for \(byteCount) bytes")
        }
        self.start = start
    }

    package convenience init(copying bytes: UnsafeRawBufferPointer) {
        self.init(byteCount: bytes.count)
        if let source = bytes.baseAddress {
            start.copyMemory(from: source, byteCount: bytes.count)
        }
    }

    deinit {
        vk_aligned_free(start)
    }
}
