// Files in memory that forget what was not synced.
//
// - A file's bytes are durable after a sync of the file, a name after a sync of its directory; nothing
//   else makes anything durable. Creating a directory is a name in its parent.
// - A crash can be armed at any operation that changes something: that operation and all later ones
//   fail, and the picture on the disk stays as it was.
// - A crash image holds the durable state and a legal choice of what was pending.

import Glibc
import StorageIO
import Synchronization
import VectorMath

/// What survives of what was not synced.
package enum CrashProfile: Sendable, CaseIterable {
    /// Nothing.
    case none
    /// Everything, as when only the process dies.
    case all
    /// Any subset of writes and names; the last surviving write of a file may be torn.
    case weak
}

/// A simulated disk; `image` makes the disk that a restarted machine would find.
package final class SimulatedFileSystem: FileSystem {
    /// A file or directory.
    final class Node: Sendable {
        struct Content {
            var bytes: [UInt8] = []
            var durable: [UInt8] = []
            var pending: [Change] = []
        }
        /// A change of a file since its last sync.
        enum Change {
            case write(offset: Int, bytes: [UInt8])
            case truncate(Int)
        }
        let isDirectory: Bool
        let content = Mutex(Content())

        init(isDirectory: Bool) { self.isDirectory = isDirectory }
    }

    /// A change of a directory since its last sync.
    enum NameChange {
        case add(String, Node)
        case remove(String)
        case rename(String, String)
    }

    struct Directory {
        var names: [String: Node] = [:]
        var durable: [String: Node] = [:]
        var pending: [NameChange] = []
    }

    struct State {
        var directories: [String: Directory] = ["/": Directory()]
        var operationCount = 0
        var crashAt = Int.max
        var locked: Set<String> = []
        var observer: (@Sendable () -> Void)?
        var syncCount = 0
        var failingSync: (number: Int, model: FailedSync)?
        /// A sync said that it succeeded, and did not.
        var owesError = false
        var hasSyncFailed = false
    }

    let state = Mutex(State())

    package init() {}

    /// Operations so far that changed something or made it durable.
    package var operationCount: Int { state.withLock { $0.operationCount } }

    /// Fails the operation with this number, counted from 1, and all that follow.
    package func armCrash(atOperation number: Int) {
        state.withLock { $0.crashAt = number }
    }

    package var hasCrashed: Bool { state.withLock { $0.operationCount >= $0.crashAt } }

    /// Counts an operation, or refuses it after the crash.
    func step(_ operation: StorageIOError.Operation, _ path: String) throws(StorageIOError) {
        let (crashed, observer) = state.withLock { state in
            guard state.operationCount + 1 < state.crashAt else {
                state.operationCount = state.crashAt
                return (true, Optional<@Sendable () -> Void>.none)
            }
            state.operationCount += 1
            return (false, state.observer)
        }
        observer?()
        if crashed { throw StorageIOError(operation: operation, path: path, errno: EIO) }
    }

    static func split(_ path: String) -> (directory: String, name: String) {
        let parts = path.split(separator: "/")
        let directory = "/" + parts.dropLast().joined(separator: "/")
        return (directory, parts.last.map(String.init) ?? "")
    }

    func node(_ path: String) -> Node? {
        let (directory, name) = Self.split(path)
        return state.withLock { $0.directories[directory]?.names[name] }
    }

    // MARK: - Damage

    /// The paths of all files, sorted.
    package var filePaths: [String] {
        state.withLock { state in
            state.directories.flatMap { directory, content in
                content.names.filter { !$0.value.isDirectory }.keys.map {
                    directory == "/" ? "/" + $0 : directory + "/" + $0
                }
            }
            .sorted()
        }
    }

    /// The bytes of a file.
    package func bytes(of path: String) -> [UInt8]? {
        node(path)?.content.withLock { $0.bytes }
    }

    /// Puts other bytes into a file, behind the back of whoever uses it.
    package func overwrite(_ path: String, with bytes: [UInt8]) {
        node(path)?.content.withLock { $0 = Node.Content(bytes: bytes, durable: bytes) }
    }

    // MARK: - Images

    /// The disk after a crash now.
    package func image(_ profile: CrashProfile, seed: UInt64) -> SimulatedFileSystem {
        var random = SeededRandom(seed: seed)
        return image(
            survives: {
                switch profile {
                case .none: false
                case .all: true
                case .weak: Bool.random(using: &random)
                }
            },
            tear: {
                profile == .weak && Bool.random(using: &random) ? random.next() : nil
            }
        )
    }

    /// The disk after a crash now.
    ///
    /// - Parameters:
    ///   - survives: Asked for each pending change, of names and of bytes, in a fixed order.
    ///   - tear: Asked for the last surviving change of a file: where it is torn, if it is.
    func image(
        survives: () -> Bool,
        tear: () -> UInt64?
    ) -> SimulatedFileSystem {
        let image = SimulatedFileSystem()
        let directories = state.withLock { $0.directories }
        var waiting = ["/"]
        while let path = waiting.popLast() {
            guard let directory = directories[path] else { continue }
            var names = directory.durable
            for change in directory.pending where survives() {
                Self.apply(change, to: &names)
            }
            var copies: [String: Node] = [:]
            for (name, node) in names.sorted(by: { $0.key < $1.key }) {
                let copy = Node(isDirectory: node.isDirectory)
                let bytes = Self.surviving(node, survives, tear)
                copy.content.withLock { $0 = Node.Content(bytes: bytes, durable: bytes) }
                copies[name] = copy
                if node.isDirectory { waiting.append(path == "/" ? "/" + name : path + "/" + name) }
            }
            image.state.withLock {
                $0.directories[path] = Directory(names: copies, durable: copies)
            }
        }
        return image
    }

    private static func surviving(
        _ node: Node,
        _ survives: () -> Bool,
        _ tear: () -> UInt64?
    ) -> [UInt8] {
        let content = node.content.withLock { $0 }
        var bytes = content.durable
        let chosen = content.pending.filter { _ in survives() }
        for (index, change) in chosen.enumerated() {
            apply(change, to: &bytes, tornBy: index == chosen.count - 1 ? tear() : nil)
        }
        return bytes
    }

    static func apply(_ change: NameChange, to names: inout [String: Node]) {
        switch change {
        case .add(let name, let node): names[name] = node
        case .remove(let name): names[name] = nil
        case .rename(let source, let target):
            guard let node = names.removeValue(forKey: source) else { return }
            names[target] = node
        }
    }

    static func apply(_ change: Node.Change, to bytes: inout [UInt8], tornBy tear: UInt64? = nil) {
        switch change {
        case .truncate(let count):
            if bytes.count > count { bytes.removeLast(bytes.count - count) }
        case .write(let offset, var written):
            if let tear, !written.isEmpty { written.removeLast(Int(tear % UInt64(written.count))) }
            let end = offset + written.count
            if bytes.count < end { bytes += repeatElement(0, count: end - bytes.count) }
            bytes.replaceSubrange(offset..<end, with: written)
        }
    }
}
