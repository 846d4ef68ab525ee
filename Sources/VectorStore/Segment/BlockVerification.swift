import StorageIO
import Synchronization

/// Which blocks of a segment were found to match their checksums, one atomic bit a block.
final class BlockVerification: @unchecked Sendable {
    // Safe to share: the words are atomic, everything else is constant.
    private let words: UnsafeMutablePointer<Atomic<UInt64>>
    private let wordCount: Int

    init(blockCount: Int) {
        wordCount = (blockCount + 63) / 64
        words = .allocate(capacity: wordCount)
        for index in 0..<wordCount { (words + index).initialize(to: Atomic(0)) }
    }

    deinit {
        words.deinitialize(count: wordCount)
        words.deallocate()
    }

    @inline(__always)
    func isVerified(_ block: Int) -> Bool {
        words[block >> 6].load(ordering: .relaxed) >> UInt64(block & 63) & 1 != 0
    }

    /// The atomic words of the bits, bit *b* for block *b*; they live as long as this.
    var bits: UnsafeRawPointer { UnsafeRawPointer(words) }

    func setVerified(_ block: Int) {
        words[block >> 6].bitwiseOr(1 << UInt64(block & 63), ordering: .relaxed)
    }
}
