import Glibc

/// The operating system refused a call.
package struct StorageIOError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What was being done.
    package enum Operation: String, Sendable {
        case open
        case createDirectory = "create directory"
        case list
        case rename
        case remove
        case status = "examine"
        case lock
        case read
        case write
        case truncate
        case reserve = "reserve space for"
        case map
        case close
        /// fsync(2) or fdatasync(2), of a file or a directory.
        case synchronize
    }

    package var operation: Operation
    package var path: String
    package var errno: Int32

    package init(operation: Operation, path: String, errno: Int32) {
        self.operation = operation
        self.path = path
        self.errno = errno
    }

    /// The disk, or the user's share of it, is full.
    package var isNoSpace: Bool { errno == ENOSPC || errno == EDQUOT }
    /// What is on disk, or under which name, can no longer be told: a failed sync, or a failed rename
    /// other than one that a full disk refused.
    package var leavesDiskUnknown: Bool {
        operation == .synchronize || operation == .rename && !isNoSpace
    }
    package var isExisting: Bool { errno == EEXIST }
    package var isWouldBlock: Bool { errno == EWOULDBLOCK }

    package var description: String {
        "cannot \(operation.rawValue) \(path): \(String(cString: strerror(errno))) (errno \(errno))"
    }
}
