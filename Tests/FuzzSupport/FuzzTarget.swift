// What is fuzzed: every reader of bytes that somebody else may have made.
//
// - A target takes any bytes and returns; a typed error is an answer, a trap, a hang or a wrong
//   neighbour is a finding.
// - Readers of checksummed files get their checksums mended first, or no input would come past them.

import StorageIO
import TestSupport
import VectorMath

@testable import VectorService
@testable import VectorStore

/// One reader.
package enum FuzzTarget: String, CaseIterable, Sendable {
    /// The changes of one log frame.
    case logPayload = "log_payload"
    /// A log file behind a valid header: frames with mended checksums.
    case logFile = "log_file"
    /// A manifest with a mended length and checksum.
    case manifest
    /// A tombstone file with a mended checksum.
    case tombstones
    /// A centroid file with a mended checksum.
    case centroids
    /// A segment with patches and mended checksums: opened, read in full and searched.
    case segment
    /// Any bytes as a JSON text.
    case json
    /// A JSON text as a filter, compiled and evaluated.
    case filter
    /// A JSON text as a query.
    case query
    /// A JSON text, or lines of it, as records.
    case records
    /// Text forms of ids, vectors and cursors.
    case text

    /// Runs one input.
    package func run(_ input: [UInt8]) {
        switch self {
        case .logPayload: FileTargets.logPayload(input)
        case .logFile: FileTargets.logFile(input)
        case .manifest: FileTargets.manifest(input)
        case .tombstones: FileTargets.tombstones(input)
        case .centroids: FileTargets.centroids(input)
        case .segment: SegmentTarget.run(input)
        case .json: RequestTargets.json(input)
        case .filter: RequestTargets.filter(input)
        case .query: RequestTargets.query(input)
        case .records: RequestTargets.records(input)
        case .text: RequestTargets.text(input)
        }
    }
}

/// The names of a store that exists only for a target.
enum FuzzStore {
    static let uuid: [UInt8] = (1...16).map { UInt8($0) }
    static let directory = "/f"

    /// A disk with one file.
    static func disk(_ name: String, _ bytes: [UInt8]) -> SimulatedFileSystem {
        let disk = SimulatedFileSystem()
        try? disk.createDirectory(directory)
        if let file = try? disk.open(directory + "/" + name, .createNew) {
            try? file.writeAll(bytes, at: 0)
        }
        return disk
    }
}

extension [UInt8] {
    /// Overwrites a little-endian integer, if there is room.
    mutating func patch<T: FixedWidthInteger>(_ value: T, at offset: Int) {
        guard offset >= 0, offset + MemoryLayout<T>.size <= count else { return }
        Swift.withUnsafeBytes(of: value.littleEndian) { source in
            for (index, byte) in source.enumerated() { self[offset + index] = byte }
        }
    }
}
