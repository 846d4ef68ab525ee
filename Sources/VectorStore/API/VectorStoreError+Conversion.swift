import StorageIO

extension VectorStoreError {
    /// The public form of a refusal of the operating system.
    init(io error: StorageIOError, file: StaticString = #fileID, line: UInt = #line) {
        if error.isNoSpace {
            self.init(
                .diskFull,
                "the disk is full: \(error). Free space and try again",
                cause: error,
                file: file,
                line: line
            )
        } else {
            self.init(.inputOutput, error.description, cause: error, file: file, line: line)
        }
    }

    /// The public form of bytes that cannot be believed.
    init(corruption error: CorruptionError, file: StaticString = #fileID, line: UInt = #line) {
        switch error {
        case .unreadable(let error):
            self.init(io: error, file: file, line: line)
        case .formatTooNew:
            self.init(
                .formatTooNew,
                "\(error). Nothing was changed; open the store with a newer version",
                cause: error,
                file: file,
                line: line
            )
        default:
            self.init(
                .corrupt,
                "\(error). Nothing was changed; restore the file from a backup",
                cause: error,
                file: file,
                line: line
            )
        }
    }

    /// The public form of a file that could not be loaded.
    init(load error: LoadError, file: StaticString = #fileID, line: UInt = #line) {
        switch error {
        case .io(let error): self.init(io: error, file: file, line: line)
        case .corruption(let error): self.init(corruption: error, file: file, line: line)
        }
    }
}
