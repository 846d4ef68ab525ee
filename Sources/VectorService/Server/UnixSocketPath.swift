import Foundation
import Glibc

/// A place for a unix socket, checked before anything is bound or removed there.
///
/// - Source: unix(7).
package struct UnixSocketPath: Sendable {
    /// The most bytes of a path: `sun_path` has 108 and a zero ends it.
    package static let maximumByteCount = 107

    /// The path.
    package let path: String

    /// What is at a path.
    package enum Occupant: Equatable, Sendable {
        /// Nothing.
        case nothing
        /// A socket that somebody listens on.
        case server
        /// A socket that a dead process left.
        case staleSocket
        /// Something else.
        case other
    }

    /// Why a path cannot be used.
    package struct Refusal: Error, Equatable, CustomStringConvertible {
        /// What is wrong and what to do.
        package var description: String
    }

    /// Checks the length of a path.
    package init(_ path: String) throws(Refusal) {
        let byteCount = path.utf8.count
        guard byteCount > 0, byteCount <= Self.maximumByteCount else {
            throw Refusal(
                description: "the socket path has \(byteCount) bytes and the system allows 1 to "
                    + "\(Self.maximumByteCount): \(path); choose a shorter one with --socket"
            )
        }
        self.path = path
    }

    /// Makes the path free to be bound, or says why it is not.
    ///
    /// - Precondition: The caller holds the lock of the store the socket belongs to, so that no
    ///   second server can be about to bind the same path.
    package func prepare() throws(Refusal) {
        try checkDirectory()
        switch occupant() {
        case .nothing: return
        case .server:
            throw Refusal(description: "\(path) is taken: a server answers on it")
        case .other:
            throw Refusal(description: "\(path) exists and is not a socket; it was left alone")
        case .staleSocket:
            guard unlink(path) == 0 || errno == ENOENT else {
                throw Refusal(description: "cannot remove the stale socket \(path): \(Self.reason)")
            }
        }
    }

    /// Whether a server answers at the path.
    package var isAnswering: Bool {
        occupant() == .server
    }

    /// Looks what is at the path; a symbolic link is something else.
    package func occupant() -> Occupant {
        let attributes: [FileAttributeKey: Any]
        do {
            attributes = try FileManager.default.attributesOfItem(atPath: path)
        } catch CocoaError.fileReadNoSuchFile, CocoaError.fileNoSuchFile {
            return .nothing
        } catch {
            return .other
        }
        guard attributes[.type] as? FileAttributeType == .typeSocket else { return .other }
        return connects() ? .server : .staleSocket
    }

    /// Lets the owner, and perhaps a group, connect; to be called after binding under umask 0077.
    package func restrict(mode: UInt16 = 0o600, group: UInt32? = nil) throws(Refusal) {
        if let group {
            guard chown(path, uid_t.max, group) == 0 else {
                throw Refusal(description: "cannot set the group of \(path): \(Self.reason)")
            }
        }
        guard chmod(path, mode_t(mode)) == 0 else {
            throw Refusal(description: "cannot set the mode of \(path): \(Self.reason)")
        }
    }

    /// Removes the socket that this process bound, after it stopped listening.
    package func remove() {
        if occupant() == .staleSocket { unlink(path) }
    }

    private func checkDirectory() throws(Refusal) {
        let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let name = directory.isEmpty ? "/" : directory
        let resolved = URL(fileURLWithPath: name).resolvingSymlinksInPath().path
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: resolved) else {
            throw Refusal(description: "cannot use the directory \(name): there is none")
        }
        guard attributes[.type] as? FileAttributeType == .typeDirectory else {
            throw Refusal(description: "\(name) is not a directory")
        }
        let owner = (attributes[.ownerAccountID] as? NSNumber)?.uint32Value
        guard let owner, owner == geteuid() else {
            throw Refusal(
                description:
                    "the directory \(name) belongs to user \(owner.map(String.init) ?? "?"), "
                    + "not to user \(geteuid()) that runs this server; use a directory of its own"
            )
        }
        let mode = (attributes[.posixPermissions] as? NSNumber)?.uint16Value ?? 0o777
        guard mode & 0o002 == 0 else {
            throw Refusal(
                description: "everybody may write to the directory \(name), so anybody could "
                    + "replace the socket; use a directory of mode 0700"
            )
        }
    }

    private func connects() -> Bool {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_NONBLOCK, 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        // EAGAIN: somebody listens and the queue of connections is full.
        return result == 0 || errno == EAGAIN || errno == EINPROGRESS
    }

    private static var reason: String {
        String(cString: strerror(errno))
    }
}
