import StorageIO
import Synchronization

/// Swaps inputs for an output in a collection, in the manifest and in memory.
struct SegmentSwap {
    let core: StoreCore
    let collection: CollectionState

    /// The result of building, ready to be published.
    ///
    /// `segment` is nil when no row was visible.
    struct Output {
        var plan: SegmentPlan
        var segment: Segment?
        var description: SegmentDescription?
        /// A new index generation that comes with the output.
        var generation: (index: IndexGeneration, entry: Manifest.CentroidEntry)?
    }

    /// - Parameter persisted: Tombstones of other segments that were made durable for this swap, by
    ///   segment id.
    func publish(
        _ replacement: SegmentReplacement,
        output: Output,
        persisted: [UInt64: Manifest.TombstoneEntry]
    ) throws(VectorStoreError) {
        // Before the lock: it reads every row once more.
        try check(replacement, output: output)
        try core.writing.withLock { (state) throws(VectorStoreError) in
            try publishChecked(replacement, output: output, persisted: persisted, state: &state)
        }
    }

    /// The same for a caller that holds the writing lock.
    func publish(
        _ replacement: SegmentReplacement,
        output: Output,
        persisted: [UInt64: Manifest.TombstoneEntry],
        state: inout WritingState
    ) throws(VectorStoreError) {
        try check(replacement, output: output)
        try publishChecked(replacement, output: output, persisted: persisted, state: &state)
    }

    /// What was to be copied must have come out.
    private func check(
        _ replacement: SegmentReplacement,
        output: Output
    ) throws(VectorStoreError) {
        do throws(VectorStoreError) {
            try replacement.checkConservation(in: output.segment, stopping: core)
        } catch {
            discard(output)
            throw error
        }
    }

    private func publishChecked(
        _ replacement: SegmentReplacement,
        output: Output,
        persisted: [UInt64: Manifest.TombstoneEntry],
        state: inout WritingState
    ) throws(VectorStoreError) {
        do throws(VectorStoreError) {
            if let poison = core.poison { throw poison }
            try swap(replacement, output: output, persisted: persisted, state: &state)
        } catch {
            discard(output)
            throw error
        }
    }

    /// Gives back the bytes of an output that no manifest names.
    ///
    /// After a failure that stops the store it is left to the next open.
    func discard(_ output: Output) {
        guard core.poison == nil else { return }
        let obsolete = ObsoleteFiles(fileSystem: core.fileSystem, paths: core.paths)
        if let segment = output.segment {
            obsolete.removeUnnamed(
                core.paths.segments + "/" + Segment.fileName(segment.segmentID)
            )
        }
        if let generation = output.generation {
            obsolete.removeUnnamed(
                core.paths.indexes + "/"
                    + CentroidFile.name(generation: generation.index.number)
            )
        }
    }

    private func swap(
        _ replacement: SegmentReplacement,
        output: Output,
        persisted: [UInt64: Manifest.TombstoneEntry],
        state: inout WritingState
    ) throws(VectorStoreError) {
        guard !core.isClosed, let live = collection.live else {
            throw VectorStoreError(
                .cancelled,
                "collection \(collection.configuration.name) is gone"
            )
        }
        try checkGeneration(of: output, in: live)
        try convertingCorruption { () throws(CorruptionError) in try live.checkReadable() }
        guard let hidden = replacement.tombstones(forOutput: output.plan, in: live) else {
            throw VectorStoreError(.busy, "the segments were replaced meanwhile; try again")
        }
        let view = try outputView(output, hidden: hidden)
        let next = liveSet(
            after: live,
            replacement: replacement,
            view: view,
            output: output,
            persisted: persisted
        )
        guard next.liveCount == live.liveCount else {
            let error = VectorStoreError(
                .corrupt,
                "\(live.liveCount) visible records would become \(next.liveCount); nothing "
                    + "was published"
            )
            core.poison(because: error)
            throw error
        }
        let flushed = flushedLSN(after: next, lastLSN: state.lastLSN)
        let used = Set(next.generations.keys)
        try Publication(core: core).publish(&state) { manifest in
            manifest.segments.removeAll { $0.collectionID == collection.id }
            manifest.segments += next.segments.map { view in
                Manifest.SegmentEntry(
                    collectionID: collection.id,
                    indexGeneration: view.segment.indexGeneration,
                    description: view.segment.description,
                    tombstones: view.persistedTombstones
                )
            }
            manifest.nextSegmentID = core.nextSegmentIDToTake
            manifest.nextGeneration = core.nextGenerationToTake
            if let generation = output.generation {
                manifest.centroidSets.append(generation.entry)
                for index in manifest.collections.indices
                where manifest.collections[index].id == collection.id {
                    manifest.collections[index].indexGeneration = generation.index.number
                }
            }
            manifest.centroidSets.removeAll {
                $0.collectionID == collection.id && !used.contains($0.generation)
            }
            manifest.flushedLSN = max(manifest.flushedLSN, flushed)
            manifest.dropFlushedLogs()
        }
        collection.replace(next)
    }

    /// A rebuild may have replaced the generation that the output was listed under; then it must be made
    /// again, under the lists in force.
    private func checkGeneration(
        of output: Output,
        in live: LiveSet
    ) throws(VectorStoreError) {
        guard let number = output.segment?.indexGeneration, number != 0,
            number != output.generation?.index.number, number != live.currentGeneration
        else { return }
        throw VectorStoreError(
            .busy,
            "index generation \(number) was replaced while a segment was written under it"
        )
    }

    /// The output's view with the tombstones that came late, made durable.
    private func outputView(
        _ output: Output,
        hidden: TombstoneSet
    ) throws(VectorStoreError) -> SegmentView? {
        guard let segment = output.segment else { return nil }
        guard !hidden.isEmpty else {
            return SegmentView(segment: segment, tombstones: hidden, persistedTombstones: nil)
        }
        let lsn = collection.live?.lsn ?? 0
        let entry = try TombstonePersistence(core: core).write(
            hidden,
            of: segment,
            lsn: lsn
        )
        return SegmentView(segment: segment, tombstones: hidden, persistedTombstones: entry)
    }

    private func liveSet(
        after live: LiveSet,
        replacement: SegmentReplacement,
        view: SegmentView?,
        output: Output,
        persisted: [UInt64: Manifest.TombstoneEntry]
    ) -> LiveSet {
        var segments = live.segments.filter { !replacement.contains($0.segment) }
        for index in segments.indices {
            if let entry = persisted[segments[index].segment.segmentID] {
                segments[index].persistedTombstones = entry
            }
        }
        if let view { segments.append(view) }
        segments.sort { $0.segment.segmentID < $1.segment.segmentID }
        var generations = live.generations
        if let generation = output.generation?.index { generations[generation.number] = generation }
        let current = output.generation?.index.number ?? live.currentGeneration
        // The one before stays, so that a rebuild can be taken back.
        let previous =
            output.generation == nil ? live.previousGeneration : live.currentGeneration
        let used = Set(segments.map(\.segment.indexGeneration))
        generations = generations.filter {
            $0.key == current || $0.key == previous || used.contains($0.key)
        }
        return LiveSet(
            lsn: live.lsn,
            configuration: live.configuration,
            memtables: live.memtables.filter { !replacement.contains($0.memtable) },
            segments: segments,
            generations: generations,
            currentGeneration: current
        )
    }

    /// Every change up to this one is in a segment or a tombstone file of the new manifest.
    private func flushedLSN(after next: LiveSet, lastLSN: UInt64) -> UInt64 {
        var oldest = lastLSN + 1
        for other in core.collections {
            let live = other === collection ? next : other.live
            for view in live?.memtables ?? [] where view.memtable.firstLSN != 0 {
                oldest = min(oldest, view.memtable.firstLSN)
            }
        }
        return oldest - 1
    }
}
