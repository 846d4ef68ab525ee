import Foundation
import Testing

@testable import Evaluation

/// A directory of data set files, removed with its owner.
final class DatasetDirectory {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/evaluation-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a file and returns its path.
    func file(_ name: String, _ bytes: [UInt8]) throws -> String {
        let path = path + "/" + name
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return path
    }
}

/// Data set files, byte by byte, independent of the writers under test.
enum Bytes {
    static func words(_ values: [UInt32]) -> [UInt8] {
        values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    }

    static func floats(_ values: [Float]) -> [UInt8] { words(values.map(\.bitPattern)) }

    static func halves(_ values: [UInt16]) -> [UInt8] {
        values.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
    }

    static func fbin(rows: UInt32, columns: UInt32, _ body: [UInt8]) -> [UInt8] {
        words([rows, columns]) + body
    }

    static func fvecs(_ rows: [[Float]]) -> [UInt8] {
        rows.flatMap { words([UInt32($0.count)]) + floats($0) }
    }

    static func npy(
        version: UInt8 = 1,
        type: String = "<f4",
        order: String = "False",
        shape: String,
        _ body: [UInt8]
    ) -> [UInt8] {
        var header = Array(
            "{'descr': '\(type)', 'fortran_order': \(order), 'shape': \(shape), }".utf8
        )
        let width = version == 1 ? 2 : 4
        while (8 + width + header.count + 1) % 64 != 0 { header.append(32) }
        header.append(10)
        let length = (0..<width).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
        return [0x93] + Array("NUMPY".utf8) + [version, 0] + length + header + body
    }
}

/// The error that reading throws, or nil.
func datasetError(_ body: () throws -> Void) -> DatasetError? {
    do { try body() } catch { return error as? DatasetError }
    return nil
}
