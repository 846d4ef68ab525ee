import StorageIO

/// A log file as text: header and frames, and where it ends.
struct LogDump {
    let bytes: [UInt8]
    let name: String

    /// Frames that are listed.
    private static let maximumFrameCount = 10_000

    var text: String {
        let header: LogHeader
        do throws(CorruptionError) {
            guard bytes.count >= LogHeaderLayout.byteCount else {
                throw .truncated(
                    file: name, offset: 0, needed: UInt64(LogHeaderLayout.byteCount),
                    available: UInt64(bytes.count))
            }
            header = try LogHeader(decodingUnbound: bytes, file: name)
        } catch {
            return "damaged: \(error)\n"
        }
        return describe(header)
    }

    private func describe(_ header: LogHeader) -> String {
        var lines = ["log file \(header.sequence), \(bytes.count) bytes, from LSN \(header.firstLSN)"]
        if let previous = header.predecessor {
            lines.append(
                "  follows file \(previous.sequence): \(previous.validByteCount) bytes, LSN "
                    + "\(previous.lastLSN)")
        }
        let reader = LogFrameReader(bytes: bytes, header: header)
        var offset = LogHeaderLayout.byteCount
        var count = 0
        while let frame = reader.frame(at: offset), count < Self.maximumFrameCount {
            lines.append(
                "  \(offset)  \(frame.type.map { "\($0)" } ?? "unknown type")  LSN \(frame.firstLSN), \(frame.operationCount) changes, "
                    + "\(frame.payload.count) bytes, synced up to \(frame.syncedUpTo)")
            offset += frame.byteCount
            count += 1
        }
        let rest = bytes.count - offset
        lines.append(rest == 0 ? "  \(offset)  end" : "  \(offset)  \(rest) bytes that are no frame")
        return lines.joined(separator: "\n") + "\n"
    }
}

extension LogHeader {
    /// Reads a header whatever store and name it has.
    init(decodingUnbound bytes: [UInt8], file: String) throws(CorruptionError) {
        var result: Result<LogHeader, CorruptionError>?
        bytes.withUnsafeBytes { buffer in
            do throws(CorruptionError) {
                result = .success(
                    try Self.decode(
                        UnsafeRawBufferPointer(rebasing: buffer[..<LogHeaderLayout.byteCount]),
                        file: file))
            } catch {
                result = .failure(error)
            }
        }
        guard let result else { preconditionFailure("decoding returned nothing") }
        self = try result.get()
    }
}
