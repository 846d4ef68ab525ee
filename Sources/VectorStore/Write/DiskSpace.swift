// What a store does while its disk is full.
//
// - Writes that make the store grow are refused while less than a reserve is free, before the disk is
//   full; once twice the reserve is free they go on by themselves, in a new log file.
// - A ballast file holds space that nobody else can take. When even a delete finds no room, the
//   ballast is given up, so that deletes and a compaction can make room. It comes back with the space.
// - Searches know nothing of this.

package import StorageIO
import Synchronization

/// Watches the space left for one store.
package final class DiskSpace: Sendable {
    private struct State {
        /// Growth is refused until there is room again.
        var isLow = false
        var hasBallast = false
    }

    package static let ballastName = "BALLAST"
    /// A smaller disk gives a twentieth of itself, to the reserve and to the ballast.
    private static let defaultReserve: UInt64 = 256 << 20
    private static let defaultBallast: UInt64 = 32 << 20

    private let fileSystem: any FileSystem
    private let root: String
    private let reserve: UInt64
    private let ballast: UInt64
    private let state: Mutex<State>

    package init(fileSystem: any FileSystem, root: String, options: StoreOptions) {
        self.fileSystem = fileSystem
        self.root = root
        var share = UInt64.max
        if let capacity = try? fileSystem.capacityByteCount(root), capacity > 0 {
            share = capacity / 20
        }
        reserve = options.minimumFreeByteCount ?? min(Self.defaultReserve, share)
        ballast = options.ballastByteCount ?? min(Self.defaultBallast, share)
        state = Mutex(State())
    }

    private var path: String { root + "/" + Self.ballastName }

    /// Whether writes that make the store grow are refused.
    package var isLow: Bool { state.withLock { $0.isLow } }

    /// Looks at the disk before a write that makes the store grow.
    ///
    /// - Throws: `diskFull` with what is free and what must be.
    package func admitGrowth() throws(VectorStoreError) {
        let free: UInt64
        do throws(StorageIOError) {
            free = try fileSystem.freeByteCount(root)
        } catch {
            return  // The write itself will tell.
        }
        let needed = isLow ? reserve.saturatingMultiplied(by: 2) : reserve
        guard free < needed else {
            let wantsBallast = state.withLock { state in
                state.isLow = false
                return !state.hasBallast
            }
            if wantsBallast, free >= reserve.addingSaturating(ballast) { makeBallast() }
            return
        }
        state.withLock { $0.isLow = true }
        throw VectorStoreError(
            .diskFull,
            "\(free) bytes are free at \(root), and writes need \(needed). Searches and deletes go "
                + "on; free space, or delete records and compact, and writes go on by themselves"
        )
    }

    /// A call found no room; growth waits for twice the reserve.
    package func noteFull() {
        state.withLock { $0.isLow = true }
    }

    // MARK: - Ballast

    /// Sets the ballast aside, if there is room for it beside the reserve.
    ///
    /// Its loss is no failure, so nothing is thrown and nothing is synced.
    package func makeBallast() {
        guard ballast > 0 else { return }
        do throws(StorageIOError) {
            if try fileSystem.status(path) != nil {
                state.withLock { $0.hasBallast = true }
                return
            }
            guard try fileSystem.freeByteCount(root) >= reserve.addingSaturating(ballast) else {
                return
            }
            let file = try fileSystem.open(path, .createNew)
            do throws(StorageIOError) {
                try file.reserve(ballast)
                state.withLock { $0.hasBallast = true }
            } catch {
                try? fileSystem.remove(path)
            }
        } catch {
            return
        }
    }

    /// Remembers a ballast that an earlier process left.
    package func noteBallast() {
        guard let status = try? fileSystem.status(path), status.kind == .regular else { return }
        state.withLock { $0.hasBallast = true }
    }

    /// Gives the ballast up.
    ///
    /// - Returns: Whether there was one.
    package func releaseBallast() -> Bool {
        noteFull()
        let had = state.withLock { state in
            defer { state.hasBallast = false }
            return state.hasBallast
        }
        guard had else { return false }
        do throws(StorageIOError) {
            try fileSystem.remove(path)
            return true
        } catch {
            return false
        }
    }

    /// Runs `work`, once more without the ballast when it finds the disk full.
    package func spendingBallast<R>(
        _ work: () throws(VectorStoreError) -> R
    ) throws(VectorStoreError) -> R {
        do throws(VectorStoreError) {
            return try work()
        } catch {
            guard error.code == .diskFull, releaseBallast() else { throw error }
        }
        return try work()
    }
}

extension UInt64 {
    /// The sum, or the largest number when it does not fit.
    func addingSaturating(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
