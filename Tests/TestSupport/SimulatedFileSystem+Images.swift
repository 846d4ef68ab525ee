// Pictures of a simulated disk at a moment, and the disks that a crash at that moment may leave.

import StorageIO
import Synchronization
import VectorMath

/// How a sync fails (Rebello et al., USENIX ATC 2020): always the pages count as clean afterwards, so
/// that a later sync writes nothing of them.
package enum FailedSync: Sendable, CaseIterable {
    /// The cache keeps what was written, the disk has what was there before (ext4 ordered, XFS).
    case keepNew
    /// This sync reports success, the next one of any file the error (ext4 with data in the journal).
    case late
    /// The cache goes back to what is on the disk (Btrfs).
    case revert
}

/// Which of the pending changes of a disk a crash image holds.
package enum ImageChoice: Sendable, Hashable {
    case none
    case all
    /// All but one, one alone, or the first so many, in the order in which they are met.
    case missing(Int)
    case alone(Int)
    case first(Int)
    /// The set bits.
    case bits(UInt64)
    /// A random choice; the last change of each file may be torn.
    case random(UInt64)

    /// Every choice for few pending changes; for many the canonical ones and so many random ones.
    package static func choices(pending: Int, randomCount: Int, seed: UInt64) -> [ImageChoice] {
        guard pending > 0 else { return [.all] }
        var choices: [ImageChoice]
        if pending <= 6 {
            choices = (0..<UInt64(1) << UInt64(pending)).map { .bits($0) }
        } else {
            choices = [.none, .all]
            for index in 0..<pending { choices += [.missing(index), .alone(index), .first(index)] }
        }
        for index in 0..<randomCount { choices.append(.random(seed &+ UInt64(index))) }
        return choices
    }
}

extension SimulatedFileSystem {
    /// The same disk with the same pending changes, apart from this one from now on.
    package func clone() -> SimulatedFileSystem {
        var copies: [ObjectIdentifier: Node] = [:]
        func copy(_ node: Node) -> Node {
            if let known = copies[ObjectIdentifier(node)] { return known }
            let made = Node(isDirectory: node.isDirectory)
            let content = node.content.withLock { $0 }
            made.content.withLock { $0 = content }
            copies[ObjectIdentifier(node)] = made
            return made
        }
        let result = SimulatedFileSystem()
        let directories = state.withLock { $0.directories }
        var made: [String: Directory] = [:]
        for (path, directory) in directories {
            made[path] = Directory(
                names: directory.names.mapValues(copy),
                durable: directory.durable.mapValues(copy),
                pending: directory.pending.map { change in
                    if case .add(let name, let node) = change { return .add(name, copy(node)) }
                    return change
                }
            )
        }
        result.state.withLock { $0.directories = made }
        return result
    }

    /// Calls `body` before each operation that changes something; nil for nobody.
    package func observe(_ body: (@Sendable () -> Void)?) {
        state.withLock { $0.observer = body }
    }

    /// Changes of files and names that are not durable.
    package var pendingCount: Int {
        let directories = state.withLock { $0.directories }
        var seen: Set<ObjectIdentifier> = []
        var count = 0
        for directory in directories.values {
            count += directory.pending.count
            for node in Array(directory.names.values) + Array(directory.durable.values)
            where seen.insert(ObjectIdentifier(node)).inserted {
                count += node.content.withLock { $0.pending.count }
            }
        }
        return count
    }

    /// The disk after a crash now.
    package func image(_ choice: ImageChoice) -> SimulatedFileSystem {
        switch choice {
        case .none: image(.none, seed: 0)
        case .all: image(.all, seed: 0)
        case .random(let seed): image(.weak, seed: seed)
        case .missing(let index): image { $0 != index }
        case .alone(let index): image { $0 == index }
        case .first(let count): image { $0 < count }
        case .bits(let bits): image { bits >> UInt64(min($0, 63)) & 1 != 0 }
        }
    }

    private func image(keeping keep: @escaping (Int) -> Bool) -> SimulatedFileSystem {
        var index = -1
        return image(
            survives: {
                index += 1
                return keep(index)
            },
            tear: { nil }
        )
    }

    /// A hash of every name and byte.
    package var contentHash: UInt64 {
        let directories = state.withLock { $0.directories }
        var low: UInt32 = 0
        var high: UInt32 = 0x5EED
        func add(_ bytes: [UInt8]) {
            low = CRC32C.checksum(bytes, crc: low ^ UInt32(truncatingIfNeeded: bytes.count))
            high = CRC32C.checksum(bytes, crc: high &+ 0x9E37_79B9)
        }
        for (path, directory) in directories.sorted(by: { $0.key < $1.key }) {
            for (name, node) in directory.names.sorted(by: { $0.key < $1.key }) {
                add(Array((path + "/" + name).utf8))
                add(node.content.withLock { $0.bytes })
            }
        }
        return UInt64(high) << 32 | UInt64(low)
    }

    // MARK: - Failing syncs

    /// Lets the sync with this number, counted from 1 over files and directories, fail.
    package func armSync(_ number: Int, _ model: FailedSync) {
        state.withLock { $0.failingSync = (number, model) }
    }

    /// Syncs so far.
    package var syncCount: Int { state.withLock { $0.syncCount } }
    package var hasSyncFailed: Bool { state.withLock { $0.hasSyncFailed } }

    /// What becomes of the next sync.
    enum SyncOutcome {
        case succeeds
        case fails(FailedSync)
        /// Says that it succeeded.
        case lies
        /// Is the first one after a lie.
        case confesses
    }

    func takeSync() -> SyncOutcome {
        state.withLock { state in
            state.syncCount += 1
            if state.owesError {
                state.owesError = false
                state.hasSyncFailed = true
                return .confesses
            }
            guard let failing = state.failingSync, failing.number == state.syncCount else {
                return .succeeds
            }
            guard failing.model == .late else {
                state.hasSyncFailed = true
                return .fails(failing.model)
            }
            state.owesError = true
            return .lies
        }
    }
}
