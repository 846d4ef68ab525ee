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
    /// The store that has them, by its `store_id`.
    var store: String
    /// A hash of the bytes before `offset`, by which an edited file is told.
    var tail: String

    /// The hash (FNV-1a, 64 bits) of up to 64 KiB before an offset.
    static func tail(of path: String, before offset: UInt64) throws -> String {
        let count = min(offset, 65_536)
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path) }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: Int(count))
        let found = pread(descriptor, &bytes, bytes.count, off_t(offset - count))
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes.prefix(max(0, found)) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return String(hash, radix: 16)
    }

    /// Refuses to go on in another store, or in a file whose imported lines have changed.
    func check(store: String, jsonl: String, path: String) throws {
        guard self.store == store else {
            throw CommandFailure(
                message: "the import that stopped after line \(lineCount) went into another store; "
                    + "leave --resume out to import everything, or delete \(path)"
            )
        }
        guard try Self.tail(of: jsonl, before: offset) == tail else {
            throw CommandFailure(
                message:
                    "\(jsonl) has changed before line \(lineCount + 1), where the import stopped; "
                    + "leave --resume out to import everything"
            )
        }
    }

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
            let store = node["store"]?.text, let tail = node["tail"]?.text,
            lineCount >= 0, offset >= 0
        else {
            throw CommandFailure(
                message: "\(path) is damaged; delete it to import from the beginning"
            )
        }
        return ImportState(
            collection: collection,
            lineCount: lineCount,
            offset: UInt64(offset),
            store: store,
            tail: tail
        )
    }

    /// Writes the state in place of an older one, whole or not at all.
    func save(_ path: String) throws {
        let bytes = JSONWriter.text { writer in
            writer.member("collection", collection)
            writer.member("lines", lineCount)
            writer.member("offset", offset)
            writer.member("store", store)
            writer.member("tail", tail)
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
