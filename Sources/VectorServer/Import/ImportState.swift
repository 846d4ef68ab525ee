import Glibc
import VectorService

/// How far an import has come: what the store has acknowledged, kept beside the imported file.
///
/// A state that is older than the store makes the import repeat upserts, which changes nothing; it
/// is written after the acknowledgement, so it is never newer.
struct ImportState: Equatable {
    /// The collection.
    var collection: String
    /// Lines of the file that are in the store.
    var lineCount: Int
    /// Where the next line begins.
    var offset: UInt64

    /// The file that keeps the state of an import.
    static func path(jsonl: String, collection: String) -> String {
        "\(jsonl).\(collection).import-state"
    }

    /// Reads a state; nil when there is none.
    static func load(_ path: String) throws -> ImportState? {
        guard access(path, F_OK) == 0 else { return nil }
        let node = try? JSONScanner.parse(try InputFile.all(of: path))
        guard let node, let collection = node["collection"]?.text,
            let lineCount = node["lines"]?.integer, let offset = node["offset"]?.integer,
            lineCount >= 0, offset >= 0
        else {
            throw CommandFailure(
                message: "\(path) is damaged; delete it to import from the beginning"
            )
        }
        return ImportState(collection: collection, lineCount: lineCount, offset: UInt64(offset))
    }

    /// Writes the state in place of an older one, whole or not at all.
    func save(_ path: String) throws {
        let bytes = JSONWriter.text { writer in
            writer.member("collection", collection)
            writer.member("lines", lineCount)
            writer.member("offset", offset)
        }
        let temporary = path + ".new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.failure(temporary) }
        let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        close(descriptor)
        guard count == bytes.count, rename(temporary, path) == 0 else {
            throw Self.failure(path)
        }
    }

    /// Forgets the state of an import that has ended.
    static func remove(_ path: String) {
        unlink(path)
    }

    private static func failure(_ path: String) -> CommandFailure {
        CommandFailure(message: "cannot write \(path): \(String(cString: strerror(errno)))")
    }
}
