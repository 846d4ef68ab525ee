// The scrub: every file of an open store read again, slowly, so that damage is found while there is
// still a backup of what was damaged.
//
// - It reads with pread(2) and looks at one live set; a file that is replaced meanwhile stays
//   readable to it.
// - It never reads faster than it is told to, and ends within a moment of the store's closing.
// - What it finds is kept for the statistics; it changes nothing.

import Dispatch
import Glibc
import StorageIO
import Synchronization

/// Reads an open store's files in the background.
package final class Scrub: Sendable {
    private struct State {
        var status = ScrubStatus()
        var isStopped = false
    }

    private let core: StoreCore
    private let queue = DispatchQueue(label: "vectorstore.scrub", qos: .background)
    private let state = Mutex(State())

    /// A first pass begins this long after the store was opened.
    private static let firstDelaySeconds = 600
    private static let secondsBetweenPasses = 7 * 24 * 3_600

    package init(core: StoreCore) {
        self.core = core
    }

    package var status: ScrubStatus { state.withLock { $0.status } }

    /// Begins passes, one a week.
    package func start() {
        guard core.options.scrubBytesPerSecond > 0 else { return }
        schedule(after: Self.firstDelaySeconds)
    }

    private func schedule(after seconds: Int) {
        queue.asyncAfter(deadline: .now() + .seconds(seconds)) { [weak self] in
            guard let self, !self.isStopped else { return }
            self.pass(bytesPerSecond: self.core.options.scrubBytesPerSecond)
            self.schedule(after: Self.secondsBetweenPasses)
        }
    }

    private var isStopped: Bool { state.withLock { $0.isStopped } }

    package func stop() {
        state.withLock { $0.isStopped = true }
        queue.sync {}
    }

    /// Reads everything once, as fast as it is told to; nil for as fast as the disk gives it.
    package func run(bytesPerSecond: Int?) async -> ScrubStatus {
        await withCheckedContinuation { continuation in
            queue.async {
                self.pass(bytesPerSecond: bytesPerSecond)
                continuation.resume(returning: self.status)
            }
        }
    }

    private func pass(bytesPerSecond: Int?) {
        var pace = Pace(bytesPerSecond: bytesPerSecond)
        var status = ScrubStatus(passCount: self.status.passCount)
        for collection in core.collections {
            for view in collection.live?.segments ?? [] {
                scrub(view, &pace, &status)
                if isStopped { return }
            }
        }
        checkNamedFiles(&status)
        status.passCount += 1
        state.withLock { $0.status = status }
    }

    private func scrub(_ view: SegmentView, _ pace: inout Pace, _ status: inout ScrubStatus) {
        let path = core.paths.segments + "/" + Segment.fileName(view.segment.segmentID)
        let file: any StorageFile
        do throws(StorageIOError) {
            file = try core.fileSystem.open(path, .read)
        } catch {
            // Replaced since the live set was taken; else it is missing.
            if isStillLive(view.segment) { status.problems.append("\(error)") }
            return
        }
        status.fileCount += 1
        let errors = view.segment.scrub(file) { count in
            status.byteCount += UInt64(count)
            pace.wait(after: count)
            return !isStopped
        }
        status.problems += errors.map { "\($0)" }
    }

    private func isStillLive(_ segment: Segment) -> Bool {
        core.collections.contains { collection in
            collection.live?.segments.contains { $0.segment === segment } == true
        }
    }

    /// Tombstones and centroids of the manifest in force; small, and gone when they are replaced.
    private func checkNamedFiles(_ status: inout ScrubStatus) {
        let manifest = core.writing.withLock { $0.manifest }
        do throws(LoadError) {
            _ = try ManifestFile.load(
                number: manifest.number,
                in: core.paths.root,
                fileSystem: core.fileSystem
            )
            for entry in manifest.centroidSets {
                let owner = manifest.collections.first { $0.id == entry.collectionID }
                guard let owner else { continue }
                _ = try CentroidFile.load(
                    entry,
                    storeUUID: core.storeUUID,
                    dimension: owner.configuration.dimension,
                    directory: core.paths.indexes,
                    fileSystem: core.fileSystem
                )
                status.fileCount += 1
                status.byteCount += entry.byteCount
            }
            for segment in manifest.segments {
                guard let tombstones = segment.tombstones else { continue }
                _ = try TombstoneFile.load(
                    tombstones,
                    segmentID: segment.description.segmentID,
                    rowCount: Int(segment.description.rowCount),
                    storeUUID: core.storeUUID,
                    directory: core.paths.segments,
                    fileSystem: core.fileSystem
                )
                status.fileCount += 1
                status.byteCount += tombstones.byteCount
            }
        } catch {
            let isCurrent = core.writing.withLock { $0.manifest.number == manifest.number }
            if isCurrent { status.problems.append(VectorStoreError(load: error).message) }
        }
    }
}

/// Sleeps so that no more is read than a rate permits.
private struct Pace {
    private let bytesPerSecond: Int?
    private let start = ContinuousClock.now
    private var byteCount = 0

    init(bytesPerSecond: Int?) {
        self.bytesPerSecond = bytesPerSecond
    }

    mutating func wait(after count: Int) {
        byteCount += count
        guard let bytesPerSecond, bytesPerSecond > 0 else { return }
        let due = Double(byteCount) / Double(bytesPerSecond)
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        let ahead = due - Double(seconds) - Double(attoseconds) * 1e-18
        if ahead > 0.001 { usleep(UInt32(min(ahead, 1) * 1e6)) }
    }
}
