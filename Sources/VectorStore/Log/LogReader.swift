// Reading one log file to its end, and deciding what its end means.
//
// At the first bytes that are not a valid frame, offset o:
// - a successor says that the file was valid beyond o → damage;
// - a later valid frame says that everything up to beyond o had been synced → damage;
// - otherwise the tail was never promised to anybody: it is dropped, and later frames with it, so that
//   what remains is a prefix.

import StorageIO

/// The frames of one log file.
struct LogReader {
    let header: LogHeader
    let fileName: String
    let frames: LogFrameReader
    private let file: any StorageFile

    /// How the file ends.
    struct End: Equatable {
        var summary: LogFileSummary
        var isSealed: Bool
        /// Bytes after the last whole frame.
        var discardedByteCount: UInt64
    }

    /// A file is read whole; one beyond this was never written by a store.
    static let maximumByteCount: UInt64 = 4 << 30

    /// Opens a log file that must be there.
    private static func open(
        fileSystem: any FileSystem,
        directory: String,
        sequence: UInt64
    ) throws(LoadError) -> any StorageFile {
        let name = LogFile.name(sequence: sequence)
        let path = directory + "/" + name
        guard let status = try loading({ () throws(StorageIOError) in try fileSystem.status(path) })
        else {
            throw .corruption(
                .missingFile(file: "wal/" + name, reason: "the manifest lists this log file")
            )
        }
        guard status.kind == .regular, status.byteCount <= maximumByteCount else {
            throw .corruption(
                .logDamaged(
                    file: "wal/" + name,
                    offset: 0,
                    reason: "it is not a regular file of at most \(maximumByteCount) bytes"
                )
            )
        }
        return try loading { () throws(StorageIOError) in try fileSystem.open(path, .read) }
    }

    /// Reads the header alone.
    static func header(
        fileSystem: any FileSystem,
        directory: String,
        storeUUID: [UInt8],
        sequence: UInt64
    ) throws(LoadError) -> LogHeader {
        let file = try open(fileSystem: fileSystem, directory: directory, sequence: sequence)
        let page = try loading { () throws(StorageIOError) in
            try file.readBytes(count: LogHeaderLayout.byteCount, at: 0)
        }
        return try believing { () throws(CorruptionError) in
            try LogHeader(
                decoding: page,
                file: "wal/" + LogFile.name(sequence: sequence),
                storeUUID: storeUUID,
                sequence: sequence
            )
        }
    }

    /// Loads one file into memory.
    init(
        fileSystem: any FileSystem,
        directory: String,
        storeUUID: [UInt8],
        sequence: UInt64
    ) throws(LoadError) {
        let name = LogFile.name(sequence: sequence)
        fileName = "wal/" + name
        let file = try Self.open(
            fileSystem: fileSystem,
            directory: directory,
            sequence: sequence
        )
        // Clean pages may hold what the disk does not, after a sync that failed; see fsync(2).
        let bytes = try loading { () throws(StorageIOError) in
            try file.dropCachedPages()
            return try file.readAll()
        }
        self.file = file
        do throws(CorruptionError) {
            header = try LogHeader(
                decoding: bytes,
                file: fileName,
                storeUUID: storeUUID,
                sequence: sequence
            )
        } catch {
            throw .corruption(error)
        }
        frames = LogFrameReader(bytes: bytes, header: header)
    }

    /// Calls `body` for each group of changes, `knownWrites` for what was done under an id, and says how
    /// the file ends.
    ///
    /// - Parameter successor: The header of the file that follows, if there is one.
    func read(
        successor: LogHeader?,
        knownWrites: ([KnownWrite]) -> Void = { _ in },
        _ body: (LogFrame) throws(LoadError) -> Void
    ) throws(LoadError) -> End {
        var offset = LogHeaderLayout.byteCount
        var summary = LogFileSummary(
            sequence: header.sequence,
            validByteCount: UInt64(offset),
            lastLSN: header.firstLSN - 1,
            lastCRC: 0
        )
        var isSealed = false
        var known = WritesAhead()
        // What lies beyond the end that a successor repeats was given up when it was begun.
        let end = successor?.predecessor.map(\.validByteCount) ?? .max
        while !isSealed, UInt64(offset) < end, let frame = frames.frame(at: offset) {
            try believing { () throws(CorruptionError) in
                try check(frame, after: summary.lastLSN)
                knownWrites(try known.taking(frame, of: self))
            }
            if frame.type == .batch {
                try body(frame)
                summary.lastLSN += UInt64(frame.operationCount)
            }
            isSealed = frame.type == .seal
            offset += frame.byteCount
            summary.validByteCount = UInt64(offset)
            summary.lastCRC = frame.checksum
        }
        do throws(CorruptionError) {
            try checkEnd(offset: offset, summary: summary, isSealed: isSealed, successor: successor)
        } catch {
            throw .corruption(error)
        }
        return End(
            summary: summary,
            isSealed: isSealed,
            discardedByteCount: UInt64(max(0, frames.bytes.count - offset))
        )
    }

    /// Refuses a frame whose checksum is right but that cannot stand here.
    private func check(_ frame: LogFrame, after lsn: UInt64) throws(CorruptionError) {
        guard frame.firstLSN == lsn + 1 else {
            throw .logDamaged(
                file: fileName,
                offset: frame.offset,
                reason: "the frame begins at LSN \(frame.firstLSN), the one before ends at \(lsn)"
            )
        }
        guard frame.type != nil || frame.rawType & LogFrameType.skippableBit != 0 else {
            throw .formatTooNew(
                file: fileName,
                found: "frame type \(frame.rawType)",
                supported: "1 to 3 and 133"
            )
        }
        guard frame.type == .batch || frame.operationCount == 0 else {
            throw .logDamaged(
                file: fileName,
                offset: frame.offset,
                reason: "a mark claims \(frame.operationCount) operations"
            )
        }
    }

    private func checkEnd(
        offset: Int,
        summary: LogFileSummary,
        isSealed: Bool,
        successor: LogHeader?
    ) throws(CorruptionError) {
        func damaged(_ reason: String) -> CorruptionError {
            .logDamaged(file: fileName, offset: UInt64(offset), reason: reason)
        }
        if isSealed, frames.bytes.count > offset {
            throw damaged("\(frames.bytes.count - offset) bytes follow the seal")
        }
        if let successor {
            guard let expected = successor.predecessor else {
                throw damaged("the next file says that it is the first one")
            }
            guard expected.sequence == header.sequence else {
                throw damaged(
                    "the next file follows file \(expected.sequence), not \(header.sequence)"
                )
            }
            guard summary.validByteCount == expected.validByteCount else {
                throw damaged(
                    "the file is valid up to here, its successor knew of "
                        + "\(expected.validByteCount) bytes"
                )
            }
            guard summary.lastLSN == expected.lastLSN, summary.lastCRC == expected.lastCRC else {
                throw damaged(
                    "the file ends at LSN \(summary.lastLSN), its successor follows "
                        + "\(expected.lastLSN)"
                )
            }
            return
        }
        guard !isSealed else { return }
        for frame in frames.framesAfter(offset) where frame.syncedUpTo > UInt64(offset) {
            throw damaged(
                "the frame here is not valid, but the one at \(frame.offset) was written after "
                    + "\(frame.syncedUpTo) bytes had been synced"
            )
        }
    }

    /// Makes durable what was read: a process that was killed between write and sync leaves frames in
    /// the page cache only, and a successor is about to vouch for them.
    func synchronize() throws(LoadError) {
        try loading { () throws(StorageIOError) in try file.synchronizeData() }
    }

    /// The entries of a frame of known writes.
    func knownWrites(of frame: LogFrame) throws(CorruptionError) -> [KnownWrite] {
        guard frame.payload.count.isMultiple(of: KnownWriteLayout.byteCount) else {
            throw .logDamaged(
                file: fileName,
                offset: frame.offset,
                reason: "\(frame.payload.count) bytes are no whole number of known writes"
            )
        }
        return try decoding(frame) { (reader) throws(CorruptionError) in
            var writes: [KnownWrite] = []
            while reader.remaining > 0 { writes.append(try KnownWrite(from: &reader)) }
            return writes
        }
    }

    /// The changes of a frame.
    func operations(of frame: LogFrame) throws(CorruptionError) -> [LogOperation] {
        try decoding(frame) { (reader) throws(CorruptionError) in
            var operations: [LogOperation] = []
            for _ in 0..<frame.operationCount {
                operations.append(try LogOperation(from: &reader))
            }
            guard reader.remaining == 0 else {
                throw reader.invalid(
                    "payload",
                    found: "\(reader.remaining) bytes more",
                    expected: "its end"
                )
            }
            return operations
        }
    }

    private func decoding<Entry>(
        _ frame: LogFrame,
        _ body: (inout ByteReader) throws(CorruptionError) -> [Entry]
    ) throws(CorruptionError) -> [Entry] {
        var result: Result<[Entry], CorruptionError> = .success([])
        frame.payload.withUnsafeBytes { payload in
            var reader = ByteReader(
                payload,
                file: fileName,
                base: frame.offset + UInt64(LogFrameLayout.headerByteCount)
            )
            do throws(CorruptionError) {
                result = .success(try body(&reader))
            } catch {
                result = .failure(error)
            }
        }
        return try result.get()
    }
}
