import Foundation
import StorageIO

/// A file that holds a secret.
enum SecretFile {
    /// The longest that is read.
    private static let maximumByteCount: UInt64 = 1 << 20

    /// Reads a file that only its owner and its group may read.
    ///
    /// - Throws: `ConfigurationProblem` when it cannot be read, or when everybody can.
    static func read(_ path: String, place: String) throws(ConfigurationProblem) -> [UInt8] {
        let attributes = try? FileManager.default.attributesOfItem(
            atPath: URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        )
        guard let mode = (attributes?[.posixPermissions] as? NSNumber)?.uint16Value else {
            throw ConfigurationProblem(place, "cannot read \(path): there is no such file")
        }
        guard mode & 0o007 == 0 else {
            throw ConfigurationProblem(
                place,
                "everybody on this machine may read \(path); do chmod 0400 \(path)"
            )
        }
        return try readPublic(path, place: place)
    }

    /// Reads a file that may be read by all, as one of public keys.
    static func readPublic(_ path: String, place: String) throws(ConfigurationProblem) -> [UInt8] {
        do {
            let file = try PosixFileSystem().open(path, .read)
            defer { try? file.close() }
            guard try file.byteCount() <= maximumByteCount else {
                throw ConfigurationProblem(place, "\(path) is larger than a file of keys")
            }
            return try file.readAll()
        } catch let problem as ConfigurationProblem {
            throw problem
        } catch {
            throw ConfigurationProblem(place, "cannot read \(path): \(error)")
        }
    }

    /// Reads a secret without the line break that editors put behind it.
    static func readText(_ path: String, place: String) throws(ConfigurationProblem) -> [UInt8] {
        var bytes = try read(path, place: place)
        while bytes.last == UInt8(ascii: "\n") || bytes.last == UInt8(ascii: "\r") {
            bytes.removeLast()
        }
        return bytes
    }
}
