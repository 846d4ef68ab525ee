/// Where files may be reached: in StorageIO, behind its seam, and in a few named places.
enum FileCalls {
    /// Path prefixes of code that opens files itself.
    ///
    /// These are the file layer, the readers of data sets, the bench tool, the part of the server
    /// that reads files a user names, the place of its socket, the check that a secret is not open
    /// to all, and what the system says of the process.
    static let permitted = [
        "Sources/StorageIO/", "Sources/Evaluation/", "Sources/Bench/", "Sources/VectorServer/",
        "Sources/VectorService/Server/UnixSocketPath.swift",
        "Sources/VectorService/Tokens/SecretFile.swift",
        "Sources/VectorService/Metrics/ProcessStatistics.swift",
    ]

    /// C functions that reach a file.
    static let functions: Set<String> = [
        "open", "openat", "creat", "fopen", "fdopen", "fclose", "fread", "fwrite", "pread",
        "pwrite", "preadv", "pwritev", "fsync", "fdatasync", "syncfs", "sync_file_range",
        "rename", "renameat", "renameat2", "unlink", "unlinkat", "rmdir", "mkdir", "mkdirat",
        "mmap", "munmap", "msync", "madvise", "posix_fadvise", "ftruncate", "truncate",
        "fallocate", "posix_fallocate", "fstat", "lstat", "stat", "opendir", "readdir", "flock",
    ]

    /// Names that reach a file wherever they stand.
    static let names: Set<String> = [
        "FileManager", "FileHandle", "NonBlockingFileIO", "NIOFileSystem", "_NIOFileSystem",
        "contentsOfFile",
    ]

    /// File calls outside the permitted places, one line each.
    static func problems(in files: [SourceFile]) -> [String] {
        files.filter { file in !permitted.contains { file.path.hasPrefix($0) } }.flatMap { file in
            let named = file.words.filter { names.contains(String($0.word)) }
            return (calls(in: file) + named.map { (String($0.word), $0.line) })
                .map { "\(file.path):\($0.1): \($0.0) belongs to StorageIO" }
        }
    }

    /// Calls of a C function.
    ///
    /// A method of ours may bear the same name: `fileSystem.open(…)`, and in the file that declares
    /// `func open` also the bare `open(…)`.
    private static func calls(in file: SourceFile) -> [(String, Int)] {
        let call = /(?<prefix>func\s+|\w+\.|\.)?(?<name>[A-Za-z_]\w*)\s*\(/
        let found = file.code.enumerated().flatMap { index, line in
            line.matches(of: call).map { match in
                (prefix: match.prefix.map(String.init), name: String(match.name), line: index + 1)
            }
        }
        let declared = Set(found.filter { $0.prefix?.hasPrefix("func") == true }.map(\.name))
        return found.compactMap { prefix, name, line in
            switch prefix {
            case "Glibc.": functions.contains(name) ? (name, line) : nil
            case nil: functions.contains(name) && !declared.contains(name) ? (name, line) : nil
            default: nil
            }
        }
    }
}
