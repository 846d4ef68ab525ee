import StorageIO

/// An annotated dump of a log file, for people.
struct LogDump {
    /// The whole file.
    let bytes: [UInt8]
    /// Its name, for messages.
    let name: String

    var text: String { Self.text(bytes, file: name) }

    private static func text(_ bytes: [UInt8], file: String) -> String {
        var dump = DumpText()
        do throws(CorruptionError) {
            let header = try LogHeader(dumping: bytes, file: file)
            write(header, to: &dump)
            try write(LogFrameReader(bytes: bytes, header: header), file: file, to: &dump)
        } catch {
            dump.damage(error)
        }
        return dump.text
    }

    private static func write(_ header: LogHeader, to dump: inout DumpText) {
        dump.line(UInt64(LogHeaderLayout.sequence), "file number", String(header.sequence))
        dump.line(UInt64(LogHeaderLayout.firstLSN), "first LSN", String(header.firstLSN))
        let previous = header.predecessor.map {
            "file \($0.sequence), \($0.validByteCount) bytes, LSN \($0.lastLSN)"
        }
        dump.line(
            UInt64(LogHeaderLayout.previousSequence),
            "predecessor",
            previous ?? "none"
        )
        dump.line(UInt64(LogHeaderLayout.salt), "salt", String(header.salt))
    }

    private static func write(
        _ frames: LogFrameReader,
        file: String,
        to dump: inout DumpText
    ) throws(CorruptionError) {
        var offset = LogHeaderLayout.byteCount
        while let frame = frames.frame(at: offset) {
            let name =
                switch frame.type {
                case .batch: "batch"
                case .seal: "seal"
                case .idleMark: "idle mark"
                case .knownWrites: "known writes"
                case nil: "unknown type \(frame.rawType)"
                }
            dump.line(
                frame.offset,
                name,
                "LSN \(frame.firstLSN), \(frame.operationCount) operations, "
                    + "\(frame.payload.count) bytes, synced up to \(frame.syncedUpTo)"
            )
            offset += frame.byteCount
        }
        guard offset < frames.bytes.count else { return }
        throw .logDamaged(
            file: file,
            offset: UInt64(offset),
            reason: "\(frames.bytes.count - offset) bytes here are not a valid frame; in the last "
                + "file of a store that was not closed this may be an unfinished write"
        )
    }
}
