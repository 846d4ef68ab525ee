import CLZ4
import StorageIO

/// Collects payloads into blocks and writes each block compressed when that makes it smaller.
struct PayloadBlockWriter {
    private var raw: [UInt8] = []
    private var compressed: [UInt8] = []
    private var blockCount: UInt32 = 0
    /// One entry a block.
    private(set) var directory = ByteWriter()

    /// Appends a row's payload and its location.
    mutating func append(
        _ payload: [UInt8]?,
        location: inout ByteWriter,
        to stream: inout SegmentFileStream
    ) throws(SegmentWriteError) {
        guard let payload else {
            location.write(SegmentLayout.none)
            location.write(UInt32(0))
            location.write(UInt32(0))
            return
        }
        precondition(payload.count <= Record.maximumPayloadByteCount)
        if !raw.isEmpty, raw.count + payload.count > PayloadBlockLayout.targetByteCount {
            try finish(to: &stream)
        }
        location.write(blockCount)
        location.write(UInt32(raw.count))
        location.write(UInt32(payload.count))
        raw += payload
        isOpen = true
    }

    /// A block may be open and empty: then all its payloads are.
    private var isOpen = false

    /// Writes the open block, if there is one.
    mutating func finish(to stream: inout SegmentFileStream) throws(SegmentWriteError) {
        guard isOpen else { return }
        directory.write(stream.sectionByteCount)
        let count = compress()
        if count > 0, count < raw.count {
            directory.write(UInt32(count))
            directory.write(UInt32(raw.count))
            try stream.append(Array(compressed[..<count]))
        } else {
            directory.write(UInt32(raw.count))
            directory.write(UInt32(raw.count))
            try stream.append(raw)
        }
        raw.removeAll(keepingCapacity: true)
        blockCount += 1
        isOpen = false
    }

    /// Bytes in `compressed`, 0 when LZ4 gives up.
    private mutating func compress() -> Int {
        guard !raw.isEmpty else { return 0 }
        let bound = Int(LZ4_compressBound(Int32(raw.count)))
        if compressed.count < bound { compressed = [UInt8](repeating: 0, count: bound) }
        return raw.withUnsafeBytes { source in
            compressed.withUnsafeMutableBytes { target in
                Int(
                    LZ4_compress_default(
                        source.bindMemory(to: CChar.self).baseAddress,
                        target.bindMemory(to: CChar.self).baseAddress,
                        Int32(source.count),
                        Int32(target.count)
                    )
                )
            }
        }
    }
}

/// The payloads of an open segment.
struct PayloadBlocks: Sendable {
    /// One stored block.
    struct Block {
        var offset: UInt64
        var storedByteCount: Int
        var rawByteCount: Int
    }

    /// Where a payload lies.
    struct Location {
        var block: Int
        var offset: Int
        var byteCount: Int
    }

    let directory: SegmentBytes
    let locations: SegmentBytes
    /// Bytes of the payload blocks section.
    let sectionByteCount: UInt64

    /// No payload of more bytes is written, so none is believed.
    static let maximumRawByteCount = max(
        Record.maximumPayloadByteCount,
        PayloadBlockLayout.targetByteCount
    )

    init(
        directory: SegmentBytes,
        locations: SegmentBytes,
        sectionByteCount: UInt64,
        rowCount: Int
    ) throws(CorruptionError) {
        self.directory = directory
        self.locations = locations
        self.sectionByteCount = sectionByteCount
        try locations.requireByteCount(
            UInt64(rowCount) * UInt64(PayloadLocationLayout.entryByteCount)
        )
        guard directory.count.isMultiple(of: PayloadBlockLayout.entryByteCount) else {
            throw directory.invalid(
                "payload block directory",
                found: "\(directory.count) bytes",
                expected: "a multiple of \(PayloadBlockLayout.entryByteCount)"
            )
        }
        try checkBlocks()
        for ordinal in 0..<rowCount { _ = try location(at: ordinal) }
    }

    var blockCount: Int { directory.count / PayloadBlockLayout.entryByteCount }

    /// Blocks follow one another without gaps and fill their section.
    private func checkBlocks() throws(CorruptionError) {
        var next: UInt64 = 0
        for index in 0..<blockCount {
            let block = block(index)
            guard block.offset == next, block.rawByteCount <= Self.maximumRawByteCount,
                block.storedByteCount <= block.rawByteCount
            else {
                throw directory.invalid(
                    "payload block \(index)",
                    found: "\(block.storedByteCount) of \(block.rawByteCount) bytes at "
                        + "\(block.offset)",
                    expected: "a block at \(next)",
                    at: index * PayloadBlockLayout.entryByteCount
                )
            }
            next += UInt64(block.storedByteCount)
        }
        guard next == sectionByteCount else {
            throw directory.invalid(
                "payload blocks",
                found: "\(sectionByteCount) bytes",
                expected: "\(next)"
            )
        }
    }

    func block(_ index: Int) -> Block {
        let entry = index * PayloadBlockLayout.entryByteCount
        return Block(
            offset: directory.integer(at: entry + PayloadBlockLayout.offset),
            storedByteCount: Int(
                directory.integer(at: entry + PayloadBlockLayout.storedByteCount, as: UInt32.self)
            ),
            rawByteCount: Int(
                directory.integer(at: entry + PayloadBlockLayout.rawByteCount, as: UInt32.self)
            )
        )
    }

    /// Where a row's payload is; nil when it has none.
    func location(at ordinal: Int) throws(CorruptionError) -> Location? {
        let entry = ordinal * PayloadLocationLayout.entryByteCount
        let block: UInt32 = locations.integer(at: entry + PayloadLocationLayout.block)
        let offset: UInt32 = locations.integer(at: entry + PayloadLocationLayout.offset)
        let count: UInt32 = locations.integer(at: entry + PayloadLocationLayout.byteCount)
        if block == SegmentLayout.none, offset == 0, count == 0 { return nil }
        guard block < blockCount,
            UInt64(offset) + UInt64(count) <= UInt64(self.block(Int(block)).rawByteCount)
        else {
            throw locations.invalid(
                "payload location of row \(ordinal)",
                found: "block \(block), \(count) bytes at \(offset)",
                expected: "bytes inside one of \(blockCount) blocks",
                at: entry
            )
        }
        return Location(block: Int(block), offset: Int(offset), byteCount: Int(count))
    }

    /// The bytes of a location out of its block's stored bytes.
    ///
    /// - Returns: Nil when LZ4 cannot make `block.rawByteCount` bytes of them.
    static func decode(
        _ stored: UnsafeRawBufferPointer,
        block: Block,
        location: Location
    ) -> [UInt8]? {
        let range = location.offset..<location.offset + location.byteCount
        guard range.upperBound <= block.rawByteCount else { return nil }
        if block.storedByteCount == block.rawByteCount { return Array(stored[range]) }
        var raw = [UInt8](repeating: 0, count: block.rawByteCount)
        let count = raw.withUnsafeMutableBytes { target in
            LZ4_decompress_safe(
                stored.bindMemory(to: CChar.self).baseAddress,
                target.bindMemory(to: CChar.self).baseAddress,
                Int32(stored.count),
                Int32(target.count)
            )
        }
        guard Int(count) == block.rawByteCount else { return nil }
        return Array(raw[range])
    }
}
