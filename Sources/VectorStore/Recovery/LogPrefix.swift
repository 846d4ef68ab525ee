// How much of a log can be believed, for a store that is to be mended.
//
// - From the last flush on, without a hole, up to the first damage: what an earlier moment held.
// - Files whose changes are all in segments are not needed, damaged or not.
// - Whole frames beyond the damage tell how much is given up; they are not used.

import StorageIO

/// The files of a log from the first that is needed to the first damage.
struct LogPrefix {
    /// A file and how many of its bytes are kept.
    struct Part {
        var entry: Manifest.LogEntry
        var byteCount: UInt64
    }

    private(set) var parts: [Part] = []
    /// The last change that is kept, in segments or in `parts`.
    private(set) var lastLSN: UInt64
    /// The last change that any whole frame or header tells of.
    private(set) var lastKnownLSN: UInt64
    /// Where the log is damaged.
    private(set) var damage: String?
    /// Kept changes of collections that were created after the manifest.
    private(set) var homelessCount = 0

    private let manifest: Manifest
    private let fileSystem: any FileSystem
    private let directory: String

    /// - Parameter isNewest: Whether no manifest came after; else files that it does not list belong to
    ///   the log too.
    /// - Throws: When the directory cannot be listed.
    init(
        of manifest: Manifest,
        isNewest: Bool,
        in paths: StorePaths,
        fileSystem: any FileSystem
    ) throws(LoadError) {
        self.manifest = manifest
        self.fileSystem = fileSystem
        directory = paths.logs
        lastLSN = manifest.flushedLSN
        lastKnownLSN = manifest.flushedLSN
        let directory = directory
        let sequences = try loading { () throws(StorageIOError) in
            try fileSystem.list(directory).compactMap { NumberedName.parse($0, suffix: ".wal") }
        }.sorted()
        take(needed(of: isNewest ? [] : sequences))
        // A torn end was promised to nobody.
        if damage == nil && isNewest { return }
        for sequence in sequences { noteLast(sequence) }
    }

    /// The files that the manifest needs, and those of `sequences` that came after it.
    private func needed(of sequences: [UInt64]) -> [UInt64] {
        let entries = manifest.logFiles
        let first = entries.lastIndex { $0.firstLSN <= manifest.flushedLSN + 1 } ?? 0
        let listed = entries.dropFirst(first).map(\.sequence)
        let last = entries.last?.sequence ?? manifest.nextLogSequence - 1
        return listed + sequences.filter { $0 > last }
    }

    private mutating func take(_ sequences: [UInt64]) {
        for (index, sequence) in sequences.enumerated() {
            let isLast = index == sequences.count - 1
            do throws(LoadError) {
                let reader = try reader(sequence)
                guard reader.header.firstLSN <= lastLSN + 1 else {
                    throw damaged(reader, "the changes from LSN \(lastLSN + 1) on are missing")
                }
                let next =
                    isLast ? nil : try believedHeader(sequences[index + 1], after: reader)
                try take(reader, successor: next)
            } catch {
                damage = VectorStoreError(load: error).message
                return
            }
        }
    }

    /// The header of the next file; when it cannot be read, what comes before it is kept all the same.
    private mutating func believedHeader(
        _ sequence: UInt64,
        after reader: LogReader
    ) throws(LoadError) -> LogHeader {
        do throws(LoadError) {
            return try LogReader.header(
                fileSystem: fileSystem,
                directory: directory,
                storeUUID: manifest.storeUUID,
                sequence: sequence
            )
        } catch {
            try take(reader, successor: nil)
            throw error
        }
    }

    /// Keeps a file, or what of it comes before its damage.
    private mutating func take(
        _ reader: LogReader,
        successor: LogHeader?
    ) throws(LoadError) {
        let before = lastLSN
        var end = LogFileSummary(
            sequence: reader.header.sequence,
            validByteCount: UInt64(LogHeaderLayout.byteCount),
            lastLSN: reader.header.firstLSN - 1,
            lastCRC: 0
        )
        var homeless = 0
        var problem: LoadError?
        do throws(LoadError) {
            let whole = try reader.read(successor: successor) { frame throws(LoadError) in
                let operations = try believing { () throws(CorruptionError) in
                    try reader.operations(of: frame)
                }
                end.lastLSN = frame.firstLSN + UInt64(frame.operationCount) - 1
                end.validByteCount = frame.offset + UInt64(frame.byteCount)
                homeless += operations.enumerated().count { index, operation in
                    frame.firstLSN + UInt64(index) > manifest.flushedLSN
                        && operation.collection >= manifest.nextCollectionID
                }
            }
            end = whole.summary
            if let successor, successor.firstLSN != end.lastLSN + 1 {
                throw damaged(
                    reader,
                    "it ends at LSN \(end.lastLSN), the next file begins at \(successor.firstLSN)"
                )
            }
        } catch {
            problem = error
        }
        if end.lastLSN > before || (problem == nil && end.lastLSN >= before) {
            parts.append(
                Part(
                    entry: Manifest.LogEntry(
                        sequence: reader.header.sequence,
                        firstLSN: reader.header.firstLSN
                    ),
                    byteCount: end.validByteCount
                )
            )
            lastLSN = end.lastLSN
            homelessCount += homeless
        }
        if let problem { throw problem }
    }

    private func damaged(_ reader: LogReader, _ reason: String) -> LoadError {
        .corruption(.logDamaged(file: reader.fileName, offset: 0, reason: reason))
    }

    /// Takes note of the last change that a file tells of, wherever it is damaged.
    private mutating func noteLast(_ sequence: UInt64) {
        do throws(LoadError) {
            let reader = try reader(sequence)
            lastKnownLSN = max(lastKnownLSN, reader.header.firstLSN - 1)
            let header = LogHeaderLayout.byteCount
            let first = reader.frames.frame(at: header).map { [$0] } ?? []
            for frame in first + reader.frames.framesAfter(header) where frame.type == .batch {
                let last = frame.firstLSN + UInt64(frame.operationCount) - 1
                lastKnownLSN = max(lastKnownLSN, last)
            }
        } catch {
            // `take` says so where it matters.
            return
        }
    }

    private func reader(_ sequence: UInt64) throws(LoadError) -> LogReader {
        try LogReader(
            fileSystem: fileSystem,
            directory: directory,
            storeUUID: manifest.storeUUID,
            sequence: sequence
        )
    }
}
