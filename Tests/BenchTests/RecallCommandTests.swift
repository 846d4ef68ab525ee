import Foundation
import Testing

/// `vector-bench recall` on the same 1,200 rows in files of several formats.
///
/// `small.hdf5` and the `npy` files were written by h5py and NumPy; the others are made here from the
/// bytes of the latter.
@Suite struct `Recall of the same data in several formats` {
    private struct Point: Decodable {
        var recalls: [String: Double]
        var rowsScanned: Double
        var qpsOneRel: Double
        var shortAnswers: Int
    }

    private let scratch: Scratch
    private static let datasets = Program.root.path + "/fixtures/datasets"
    /// `make test` installs libhdf5 and says so; a test run by hand leaves HDF5 out without it.
    private static let hasHDF5 =
        ProcessInfo.processInfo.environment["VS_HAS_HDF5"] != nil
        || ["libhdf5_serial.so.103", "libhdf5.so.103", "libhdf5_serial.so.310", "libhdf5.so.310"]
            .contains { (name: String) in dlopen(name, RTLD_NOW) != nil }

    init() throws {
        scratch = try Scratch()
    }

    /// The numbers of a NumPy file behind its header of 128 bytes.
    private func body(_ name: String) throws -> Data {
        let data = try Data(
            contentsOf: URL(fileURLWithPath: Self.datasets + "/small-\(name).npy")
        )
        #expect(data.prefix(8) == Data([0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0]))
        #expect(data[8] == 118 && data[9] == 0, "the header is 128 bytes long")
        return data.dropFirst(128)
    }

    private func word(_ value: Int) -> Data {
        withUnsafeBytes(of: UInt32(value).littleEndian) { Data($0) }
    }

    private func write(_ data: Data, _ name: String) throws -> String {
        let path = scratch.path + "/" + name
        try data.write(to: URL(fileURLWithPath: path))
        return path
    }

    /// As fvecs or ivecs: the number of columns before each row.
    private func vecs(_ name: String, columns: Int, _ file: String) throws -> String {
        let bytes = [UInt8](try body(name))
        var data = Data()
        for first in stride(from: 0, to: bytes.count, by: columns * 4) {
            data += word(columns) + Data(bytes[first..<first + columns * 4])
        }
        return try write(data, file)
    }

    private func bin(_ name: String, rows: Int, columns: Int, _ file: String) throws -> String {
        try write(word(rows) + word(columns) + body(name), file)
    }

    private func points(_ files: [String]) throws -> [Point] {
        let text = try Program.run(
            "vector-bench",
            ["recall", "--nlist", "32", "--nprobe", "1,2,32", "--seconds", "0.1", "--json"] + files,
            in: scratch
        )
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try text.split(separator: "\n").map {
            try decoder.decode(Point.self, from: Data($0.utf8))
        }
    }

    @Test func `fbin, fvecs, npy and HDF5 give identical recall and work`() throws {
        let datasets = Self.datasets
        var all = [
            "npy": try points([
                "--base", datasets + "/small-base.npy", "--queries",
                datasets + "/small-queries.npy", "--truth", datasets + "/small-truth.npy",
            ]),
            "fvecs": try points([
                "--base", vecs("base", columns: 16, "b.fvecs"),
                "--queries", vecs("queries", columns: 16, "q.fvecs"),
                "--truth", vecs("truth", columns: 10, "t.ivecs"),
            ]),
            "fbin": try points([
                "--base", bin("base", rows: 1_200, columns: 16, "b.fbin"),
                "--queries", bin("queries", rows: 100, columns: 16, "q.fbin"),
                "--truth", bin("truth", rows: 100, columns: 10, "t.ibin"),
            ]),
        ]
        if Self.hasHDF5 {
            all["hdf5"] = try points(["--data", datasets + "/small.hdf5"])
        } else {
            print("HDF5 left out: libhdf5 is not installed")
        }
        let expected = try #require(all["npy"])
        #expect(expected.count == 3)
        for (format, found) in all {
            #expect(found.map(\.recalls) == expected.map(\.recalls), "\(format)")
            #expect(found.map(\.rowsScanned) == expected.map(\.rowsScanned), "\(format)")
        }
        // The files differ in more than their names only if the answers are not all perfect.
        #expect(try #require(expected[0].recalls["10"]) < 0.97)
        #expect(expected[2].recalls["10"] == 1, "all lists hold all rows")
        #expect(expected.allSatisfy { $0.qpsOneRel > 0 && $0.shortAnswers == 0 })
    }

    @Test func `live searches of other queries come first, and have to be there`() throws {
        let datasets = Self.datasets
        let files = [
            "--base", datasets + "/small-base.npy", "--queries", datasets + "/small-queries.npy",
            "--truth", datasets + "/small-truth.npy",
        ]
        let asked = [
            "recall", "--nlist", "32", "--query-limit", "50", "--seconds", "0.1", "--json",
        ]
        let text = try Program.run(
            "vector-bench",
            asked + ["--recall-target", "0.5,0.6", "--live", "10"] + files,
            in: scratch
        )
        #expect(text.split(separator: "\n").count == 2)
        let refused: [([String], Int32)] = [
            (["--live", "51"], 1), (["--live", "0"], 2), (["--live", "513"], 2),
            (["--live", "10", "--nprobe", "2"], 2),
        ]
        for (arguments, code) in refused {
            _ = try Program.run(
                "vector-bench",
                asked + arguments + files,
                in: scratch,
                expecting: code
            )
        }
    }
}
