import Glibc

/// Writes a data set file from its beginning, part by part.
package final class DatasetWriter {
    private let path: String
    private var file: UnsafeMutablePointer<FILE>?

    package init(_ path: String) throws(DatasetError) {
        self.path = path
        file = fopen(path, "wbe")
        if file == nil { throw refusal("create") }
    }

    /// Begins an `fbin` file; `count` rows of `dimension` floats must follow.
    package convenience init(
        fbin path: String,
        count: Int,
        dimension: Int
    ) throws(DatasetError) {
        guard let rows = UInt32(exactly: count), let columns = UInt32(exactly: dimension) else {
            throw DatasetError(
                path,
                .overflow,
                "fbin has no more than \(UInt32.max) rows",
                found: count
            )
        }
        try self.init(path)
        try append([rows, columns])
    }

    deinit {
        if let file { fclose(file) }
    }

    /// Writes numbers as they lie in memory.
    package func append<Element: BitwiseCopyable>(_ elements: [Element]) throws(DatasetError) {
        precondition(UInt32(1).littleEndian == 1, "the formats are little-endian")
        guard let file else { preconditionFailure("the file was finished") }
        let isWritten = elements.withUnsafeBytes { bytes in
            bytes.isEmpty || fwrite(bytes.baseAddress, 1, bytes.count, file) == bytes.count
        }
        if !isWritten { throw refusal("write") }
    }

    /// Closes the file; nothing may be written any more.
    package func finish() throws(DatasetError) {
        guard let file else { return }
        self.file = nil
        if fclose(file) != 0 { throw refusal("write") }
    }

    private func refusal(_ what: String) -> DatasetError {
        DatasetError(
            path,
            .inputOutput,
            "cannot \(what): \(String(cString: strerror(errno)))"
        )
    }
}
