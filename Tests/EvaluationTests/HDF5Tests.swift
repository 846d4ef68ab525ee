import Foundation
import Testing

@testable import Evaluation

/// Made with h5py: `train` 3 × 4 float32 (1 to 12), `test` 2 × 4 float64, `neighbors` 2 × 2 int64,
/// `flat` of one dimension, `names` of strings.
private let fixture =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path + "/fixtures/datasets/tiny.hdf5"

/// Whether libhdf5 is on this machine; `make test` installs it and says so.
private let hasLibrary =
    ProcessInfo.processInfo.environment["VS_HAS_HDF5"] != nil
    || datasetError { _ = try HDF5Table(fixture, "train") } == nil

@Suite struct `HDF5 files` {
    @Test(.enabled(if: hasLibrary, "libhdf5 is not installed"))
    func `tables of any number type are read as floats and row numbers`() throws {
        let train = try VectorFileReader(fixture)
        #expect(train.count == 3 && train.dimension == 4)
        #expect(try train.readAll() == (1...12).map(Float.init))
        #expect(try train.row(2) == [9, 10, 11, 12])
        #expect(try VectorFileReader(fixture + ":test").readAll() == [1, 2, 3, 4, -1, 0.5, 0, 2])
        let truth = try TruthFile(fixture)
        #expect(truth.queryCount == 2 && truth.k == 2 && truth.rows == [2, 1, 0, -1])
        #expect(truth[1] == [0])
    }

    @Test(.enabled(if: hasLibrary, "libhdf5 is not installed"))
    func `what is no table of numbers is refused by name`() {
        for name in ["none", "flat", "names"] {
            let error = datasetError { _ = try VectorFileReader(fixture + ":" + name) }
            #expect(error?.kind == .unsupported)
            #expect(
                error?.message.contains("`\(name)`") == true,
                "\(name): \(String(describing: error))"
            )
        }
    }

    @Test(.enabled(if: hasLibrary, "libhdf5 is not installed"))
    func `a file cut anywhere is refused or read in full, and never more`() throws {
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: fixture)))
        let directory = try DatasetDirectory()
        for length in stride(from: 0, to: bytes.count, by: 61) {
            let path = try directory.file("cut.hdf5", Array(bytes[..<length]))
            let error = datasetError { _ = try VectorFileReader(path).readAll() }
            #expect(error?.kind == .truncated, "\(length) bytes: \(String(describing: error))")
        }
    }

    @Test func `another file under the name is refused`() throws {
        let directory = try DatasetDirectory()
        let path = try directory.file("magic.hdf5", Bytes.words([3, 2, 0, 0]))
        let error = try #require(datasetError { _ = try VectorFileReader(path) })
        #expect(error.kind == .wrongMagic && error.offset == 0)
    }

    @Test func `a machine without the library is told which package brings it`() throws {
        let error = try #require(
            datasetError { _ = try HDF5Table(fixture, "train", library: "libhdf5-absent.so.0") }
        )
        #expect(error.kind == .unsupported)
        #expect(error.message.contains("apt-get install libhdf5-103-1"))
        #expect(error.message.contains("libhdf5-dev"))
    }

    @Test func `a table is named behind a colon`() {
        #expect(HDF5Path("a/b.hdf5")?.table == nil)
        #expect(HDF5Path("a/b.hdf5")?.file == "a/b.hdf5")
        #expect(HDF5Path("a/b.h5:test")?.file == "a/b.h5")
        #expect(HDF5Path("a/b.h5:test")?.table == "test")
        #expect(HDF5Path("a:b.fbin") == nil && HDF5Path("a/b.hdf5x") == nil)
    }
}
