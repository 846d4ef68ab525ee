import CHDF5Shim

/// A file of HDF5 and perhaps one of its tables: `glove.hdf5` or `glove.hdf5:test`.
struct HDF5Path {
    let file: String
    let table: String?

    /// Nil when the path names no such file.
    init?(_ path: String) {
        func isHDF5(_ path: some StringProtocol) -> Bool {
            path.hasSuffix(".hdf5") || path.hasSuffix(".h5")
        }
        if isHDF5(path) {
            (file, table) = (path, nil)
            return
        }
        guard let colon = path.lastIndex(of: ":"), isHDF5(path[..<colon]) else { return nil }
        (file, table) = (String(path[..<colon]), String(path[path.index(after: colon)...]))
    }
}

/// A two-dimensional table of numbers in an HDF5 file, read through libhdf5.
///
/// The library is looked up when the first table is opened; its calls wait for one another.
final class HDF5Table: Sendable {
    let path: String
    let rows: Int
    let columns: Int
    private let table: hdf5_shim_table

    /// - Parameter library: The library to look for in place of the usual ones.
    init(_ file: String, _ name: String, library: String? = nil) throws(DatasetError) {
        path = file + ":" + name
        // What is not a file is refused in the words of the other readers.
        let raw = try RawFile(file)
        let magic = try raw.bytes(8, at: 0)
        guard magic == [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A] else {
            throw DatasetError(
                file,
                .wrongMagic,
                "does not begin with HDF5's signature",
                at: 0,
                expected: 0x89,
                found: Int(magic[0])
            )
        }
        var table = hdf5_shim_table()
        let status = hdf5_shim_open(file, name, library, &table)
        guard status == HDF5_SHIM_OK else { throw Self.refusal(status, file, name) }
        self.table = table
        guard let rows = Int(exactly: table.rows), let columns = Int(exactly: table.columns),
            rows > 0, columns > 0, columns <= VectorFileReader.maximumDimension,
            rows < 1 << 40
        else {
            hdf5_shim_close(&table)
            throw DatasetError(
                path,
                table.rows == 0 ? .zeroRows : .badDimension,
                "\(table.rows) rows of \(table.columns) numbers are not a table of vectors"
            )
        }
        (self.rows, self.columns) = (rows, columns)
    }

    deinit {
        withUnsafePointer(to: table) { hdf5_shim_close($0) }
    }

    /// Reads rows into `[rows.count × columns]`.
    func read(rows: Range<Int>, into target: UnsafeMutablePointer<Float>) throws(DatasetError) {
        guard !rows.isEmpty else { return }
        let status = withUnsafePointer(to: table) {
            hdf5_shim_read_floats($0, UInt64(rows.lowerBound), UInt64(rows.count), target)
        }
        guard status == HDF5_SHIM_OK else { throw unreadable() }
    }

    /// All numbers, `[rows × columns]`.
    func readIntegers() throws(DatasetError) -> [Int32] {
        var status = HDF5_SHIM_OK
        let numbers = [Int32](unsafeUninitializedCapacity: rows * columns) { buffer, filled in
            status = withUnsafePointer(to: table) {
                hdf5_shim_read_integers($0, 0, UInt64(rows), buffer.baseAddress)
            }
            filled = status == HDF5_SHIM_OK ? rows * columns : 0
        }
        guard status == HDF5_SHIM_OK else { throw unreadable() }
        return numbers
    }

    private func unreadable() -> DatasetError {
        DatasetError(path, .truncated, "libhdf5 cannot read the rows; the file is damaged")
    }

    private static func refusal(
        _ status: hdf5_shim_status,
        _ file: String,
        _ name: String
    ) -> DatasetError {
        switch status {
        case HDF5_SHIM_NO_LIBRARY:
            DatasetError(
                file,
                .unsupported,
                "libhdf5 is not on this machine; `apt-get install libhdf5-103-1` (or libhdf5-dev) "
                    + "brings it"
            )
        case HDF5_SHIM_OLD_LIBRARY:
            DatasetError(file, .unsupported, "libhdf5 is older than release 1.10")
        case HDF5_SHIM_NO_DATASET:
            DatasetError(file, .unsupported, "has no table `\(name)`")
        case HDF5_SHIM_NOT_A_TABLE:
            DatasetError(file, .unsupported, "`\(name)` has not two dimensions")
        case HDF5_SHIM_NOT_NUMBERS:
            DatasetError(file, .unsupported, "`\(name)` does not hold numbers")
        default:
            DatasetError(file, .truncated, "libhdf5 cannot open it; the file is damaged")
        }
    }
}
