// One log file that is being written.
//
// - A file is created complete with its header, durable under its name, before a manifest lists it.
// - Frames are appended in LSN order; a frame is never begun before the one ahead of it was handed to
//   the system, and in sync mode not before that one was synced.
// - After a failed or torn write the file takes no further frame; after a failed sync the store stops.

import Glibc
package import StorageIO

/// How a file ended, for its successor's header.
package struct LogFileSummary: Sendable, Equatable {
    package var sequence: UInt64
    package var validByteCount: UInt64
    package var lastLSN: UInt64
    package var lastCRC: UInt32
}

/// Appends frames to one log file.
package struct LogFile: Sendable {
    package let sequence: UInt64
    private let file: any StorageFile
    private let storeUUID: [UInt8]
    private let salt: UInt32
    private let fileSequence: UInt64
    /// The end of the last whole frame.
    package private(set) var byteCount: UInt64
    /// Bytes of known writes at the head of the file, which are no reason to begin another.
    private var carriedByteCount: UInt64 = 0
    /// Everything before this offset is durable.
    package private(set) var syncedByteCount: UInt64
    private var lastLSN: UInt64
    private var lastCRC: UInt32
    private var lastWasIdleMark = false
    private var isSealed = false
    /// Set by a failed write or sync; the file takes no frame after it.
    private var hasFailed = false

    package static func name(sequence: UInt64) -> String {
        NumberedName.make(sequence, suffix: ".wal")
    }

    /// Creates a file and makes it durable.
    ///
    /// - Parameters:
    ///   - firstLSN: The LSN that the first frame will begin with.
    ///   - predecessor: How the file before ended, if there is one.
    ///   - knownWrites: What is to be known when the files before are gone.
    package static func create(
        fileSystem: any FileSystem,
        directory: String,
        storeUUID: [UInt8],
        sequence: UInt64,
        firstLSN: UInt64,
        predecessor: LogFileSummary?,
        knownWrites: [KnownWrite] = [],
        salt: UInt32 = StoreIdentity.randomSalt()
    ) throws(StorageIOError) -> LogFile {
        let header = LogHeader(
            storeUUID: storeUUID,
            sequence: sequence,
            firstLSN: firstLSN,
            predecessor: predecessor,
            salt: salt
        )
        let name = name(sequence: sequence)
        var frames = LogFrameWriter(
            storeUUID: storeUUID,
            sequence: sequence,
            salt: salt,
            offset: UInt64(LogHeaderLayout.byteCount),
            syncedUpTo: UInt64(LogHeaderLayout.byteCount)
        )
        if !knownWrites.isEmpty { frames.append(knownWrites, firstLSN: firstLSN) }
        try AtomicFileWriter.write(
            header.encoded + frames.bytes,
            name: name,
            directory: directory,
            fileSystem: fileSystem
        )
        let file = try fileSystem.open(directory + "/" + name, .readWrite)
        var log = LogFile(
            sequence: sequence,
            file: file,
            storeUUID: storeUUID,
            salt: salt,
            lastLSN: firstLSN - 1
        )
        log.carriedByteCount = UInt64(frames.bytes.count)
        log.byteCount = frames.offset
        log.syncedByteCount = frames.offset
        log.lastCRC = frames.lastCRC
        return log
    }

    private init(
        sequence: UInt64,
        file: any StorageFile,
        storeUUID: [UInt8],
        salt: UInt32,
        lastLSN: UInt64
    ) {
        self.sequence = sequence
        self.file = file
        self.storeUUID = storeUUID
        self.salt = salt
        fileSequence = sequence
        byteCount = UInt64(LogHeaderLayout.byteCount)
        syncedByteCount = byteCount
        self.lastLSN = lastLSN
        lastCRC = 0
    }

    /// A log file that another process writes, for a store that is open for reading.
    ///
    /// Every attempt to append to it fails.
    package static func unwritable(
        _ file: any StorageFile,
        storeUUID: [UInt8],
        sequence: UInt64,
        lastLSN: UInt64
    ) -> LogFile {
        var log = LogFile(
            sequence: sequence,
            file: file,
            storeUUID: storeUUID,
            salt: 0,
            lastLSN: lastLSN
        )
        log.hasFailed = true
        return log
    }

    /// Header and frames, without what was carried over from the files before.
    package var ownByteCount: UInt64 { byteCount - carriedByteCount }

    /// How the file would end now.
    package var summary: LogFileSummary {
        LogFileSummary(
            sequence: sequence,
            validByteCount: byteCount,
            lastLSN: lastLSN,
            lastCRC: lastCRC
        )
    }

    /// Appends one group of changes, and before it the named writes that it does.
    ///
    /// A group without changes is those alone.
    ///
    /// - Throws: The frames may be there in part; `discardUnsynced` takes them back.
    package mutating func append(
        payload: [UInt8],
        firstLSN: UInt64,
        operationCount: Int,
        knownWrites: [KnownWrite] = []
    ) throws(StorageIOError) {
        precondition(firstLSN == lastLSN + 1 && !isSealed)
        precondition(operationCount > 0 || payload.isEmpty && !knownWrites.isEmpty)
        precondition(payload.count <= LogFrameLayout.maximumPayloadByteCount)
        let last = lastLSN + UInt64(operationCount)
        try write { frames in
            if !knownWrites.isEmpty {
                precondition(knownWrites.allSatisfy { $0.receipt.lsn == last })
                frames.append(knownWrites, firstLSN: firstLSN)
            }
            if operationCount > 0 {
                frames.append(
                    .batch,
                    payload: payload,
                    firstLSN: firstLSN,
                    operationCount: operationCount
                )
            }
        }
        lastLSN = last
        lastWasIdleMark = false
    }

    /// Makes every appended frame durable.
    ///
    /// fdatasync(2) covers the size, which the frames need.
    package mutating func synchronize() throws(StorageIOError) {
        guard syncedByteCount < byteCount else { return }
        guard !hasFailed else { throw unusable(.synchronize) }
        hasFailed = true
        try file.synchronizeData()
        hasFailed = false
        syncedByteCount = byteCount
    }

    /// Says, durably, that nothing was cut off up to here.
    package mutating func idleMark() throws(StorageIOError) {
        try synchronize()
        guard !lastWasIdleMark, byteCount > UInt64(LogHeaderLayout.byteCount), !isSealed else {
            return
        }
        try write { [lastLSN] in $0.append(.idleMark, firstLSN: lastLSN + 1) }
        try synchronize()
        lastWasIdleMark = true
    }

    /// Ends the file, durably.
    package mutating func seal() throws(StorageIOError) {
        guard !isSealed else { return }
        try synchronize()
        try write { [lastLSN] in $0.append(.seal, firstLSN: lastLSN + 1) }
        try synchronize()
        isSealed = true
    }

    /// Cuts off what was written of a frame that failed, durably.
    ///
    /// The file takes no frame after it.
    package mutating func discardUnsynced() throws(StorageIOError) {
        hasFailed = true
        try file.truncate(to: byteCount)
        try file.synchronizeData()
        syncedByteCount = byteCount
    }

    /// Appends the frames that `body` makes, with one call.
    private mutating func write(
        _ body: (inout LogFrameWriter) -> Void
    ) throws(StorageIOError) {
        guard !hasFailed else { throw unusable(.write) }
        var frames = LogFrameWriter(
            storeUUID: storeUUID,
            sequence: fileSequence,
            salt: salt,
            offset: byteCount,
            syncedUpTo: syncedByteCount
        )
        body(&frames)
        // Part of a frame may be there when this throws; a frame after it would hide that.
        hasFailed = true
        try file.writeAll(frames.bytes, at: byteCount)
        hasFailed = false
        byteCount = frames.offset
        lastCRC = frames.lastCRC
    }

    private func unusable(_ operation: StorageIOError.Operation) -> StorageIOError {
        StorageIOError(operation: operation, path: file.path, errno: EROFS)
    }
}

/// Names made of twenty digits, so that they sort by number.
package enum NumberedName {
    package static func make(_ number: UInt64, prefix: String = "", suffix: String) -> String {
        let digits = String(number)
        return prefix + String(repeating: "0", count: 20 - digits.count) + digits + suffix
    }

    /// No store counts so far; what is beyond is nobody's file.
    package static let limit: UInt64 = 1 << 62

    /// The number of a name that a store could have made.
    package static func parse(_ name: String, prefix: String = "", suffix: String) -> UInt64? {
        guard name.hasPrefix(prefix), name.hasSuffix(suffix) else { return nil }
        let digits = name.dropFirst(prefix.count).dropLast(suffix.count)
        guard digits.utf8.count == 20, digits.utf8.allSatisfy({ (48...57).contains($0) }) else {
            return nil
        }
        return UInt64(digits).flatMap { $0 < limit ? $0 : nil }
    }
}
