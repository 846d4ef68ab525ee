/// The hidden rows of one store: a bitmap in chunks that copies share until one of them changes.
///
/// A change copies one chunk of 4 KiB and the array of chunks, so that every commit can have a set of
/// its own.
@usableFromInline
package struct TombstoneSet: Sendable {
    @usableFromInline static let rowsPerChunk = 32_768
    @usableFromInline static let wordsPerChunk = 512

    /// Chunks without a hidden row are empty arrays.
    @usableFromInline var chunks: [[UInt64]]
    /// Hidden rows.
    package private(set) var count = 0

    /// A set over `rowCount` rows, of which none is hidden; it grows as rows are inserted.
    package init(rowCount: Int) {
        chunks = Array(
            repeating: [],
            count: (rowCount + Self.rowsPerChunk - 1) / Self.rowsPerChunk
        )
    }

    package var isEmpty: Bool { count == 0 }

    @inlinable
    package func contains(_ ordinal: Int) -> Bool {
        let chunk = ordinal >> 15
        guard chunk < chunks.count, !chunks[chunk].isEmpty else { return false }
        return chunks[chunk][(ordinal & 32_767) >> 6] >> UInt64(ordinal & 63) & 1 == 1
    }

    /// Hides a row; hiding it twice counts once.
    package mutating func insert(_ ordinal: Int) {
        let chunk = ordinal / Self.rowsPerChunk
        while chunks.count <= chunk { chunks.append([]) }
        if chunks[chunk].isEmpty {
            chunks[chunk] = [UInt64](repeating: 0, count: Self.wordsPerChunk)
        }
        let (word, bit) = (ordinal % Self.rowsPerChunk / 64, UInt64(1) << UInt64(ordinal % 64))
        if chunks[chunk][word] & bit == 0 {
            chunks[chunk][word] |= bit
            count += 1
        }
    }

    /// The bitmap over `rowCount` rows, one bit a row.
    package func words(rowCount: Int) -> [UInt64] {
        var words = [UInt64](repeating: 0, count: (rowCount + 63) / 64)
        for (index, chunk) in chunks.enumerated() where !chunk.isEmpty {
            for (offset, word) in chunk.enumerated() where word != 0 {
                let place = index * Self.wordsPerChunk + offset
                if place < words.count { words[place] = word }
            }
        }
        return words
    }
}
