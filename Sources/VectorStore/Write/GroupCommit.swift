import StorageIO

/// Commits one group while the writing lock is held.
struct GroupCommit {
    let core: StoreCore

    /// A request taken apart into changes of single records.
    private struct Resolved {
        var collection: CollectionState
        var changes: [RowChange]
        /// What the receipt counts.
        var count: Int
        var id: WriteID?
        /// The receipt of the same write, done before.
        var known: WriteReceipt?
    }

    /// - Returns: One result for each request, in order. Either all resolved requests are durable and
    ///   visible, or none is.
    func commit(
        _ group: [WriteRequest],
        state: inout WritingState
    ) -> [Result<WriteReceipt, VectorStoreError>] {
        var results: [Result<Resolved, VectorStoreError>] = []
        var pending = PendingIDs()
        for request in group {
            do throws(VectorStoreError) {
                let resolved = try resolve(request, pending: pending, known: state.knownWrites)
                pending.note(resolved.changes, in: request.collection)
                results.append(.success(resolved))
            } catch {
                results.append(.failure(unreadable(request) ?? error))
            }
        }
        do throws(VectorStoreError) {
            let last = try write(results.compactMap { try? $0.get() }, state: &state)
            return results.map { result in
                result.map { $0.known ?? WriteReceipt(lsn: last, count: $0.count) }
            }
        } catch {
            return results.map { result in
                switch result {
                // What was done before needs nothing written.
                case .success(let resolved):
                    resolved.known.map { .success($0) } ?? .failure(error)
                case .failure(let own): .failure(own)
                }
            }
        }
    }

    /// The failed read that a refusal may come of, where zeros stood for a page of a segment.
    private func unreadable(_ request: WriteRequest) -> VectorStoreError? {
        do throws(CorruptionError) {
            try request.collection.live?.checkReadable()
            return nil
        } catch {
            return VectorStoreError(corruption: error)
        }
    }

    // MARK: - Resolving

    /// Which ids earlier requests of the group leave present or absent.
    private struct PendingIDs {
        private var present: [UInt32: [RecordID: Bool]] = [:]

        mutating func note(_ changes: [RowChange], in collection: CollectionState) {
            for change in changes {
                if case .upsert = change {
                    present[collection.id, default: [:]][change.id] = true
                } else {
                    present[collection.id, default: [:]][change.id] = false
                }
            }
        }

        func isPresent(_ id: RecordID, in collection: CollectionState) -> Bool? {
            present[collection.id]?[id]
        }
    }

    private func resolve(
        _ request: WriteRequest,
        pending: PendingIDs,
        known: KnownWrites
    ) throws(VectorStoreError) -> Resolved {
        let collection = request.collection
        guard let live = collection.live else {
            throw VectorStoreError(
                .unknownCollection,
                "collection \(collection.configuration.name) was dropped",
                field: "collection"
            )
        }
        if let receipt = known.repetition(of: request.id, in: collection.id) {
            return Resolved(collection: collection, changes: [], count: 0, known: receipt)
        }
        var changes: [RowChange] = []
        var count: Int?
        switch request.work {
        case .upsert(let rows):
            changes = rows.map { .upsert($0) }
        case .update(let patches):
            changes = try resolve(patches, live: live)
            count = patches.count
        case .delete(let ids):
            var seen: Set<RecordID> = []
            for id in ids where seen.insert(id).inserted {
                if try isPresent(id, in: collection, live: live, pending: pending) {
                    changes.append(.delete(id))
                }
            }
        case .deleteMatching(let filter, let partitions):
            let scan = RecordScan(live: live, partitions: partitions, filter: filter)
            do throws(CorruptionError) {
                try scan.forEach { key throws(CorruptionError) in
                    changes.append(.delete(try live.store(key.store).id(at: key.ordinal)))
                }
            } catch {
                throw VectorStoreError(corruption: error)
            }
        }
        return Resolved(
            collection: collection,
            changes: changes,
            count: count ?? changes.count,
            id: request.id
        )
    }

    private func isPresent(
        _ id: RecordID,
        in collection: CollectionState,
        live: LiveSet,
        pending: PendingIDs
    ) throws(VectorStoreError) -> Bool {
        if let present = pending.isPresent(id, in: collection) { return present }
        do throws(CorruptionError) {
            return try live.visibleRow(of: id) != nil
        } catch {
            throw VectorStoreError(corruption: error)
        }
    }

    private func resolve(
        _ patches: [CheckedPatch],
        live: LiveSet
    ) throws(VectorStoreError) -> [RowChange] {
        var changes: [RowChange] = []
        for (index, patch) in patches.enumerated() {
            guard var row = try row(of: patch.id, live: live) else {
                throw VectorStoreError(
                    .recordNotFound,
                    "row \(index): no record has id \(patch.id)",
                    row: index,
                    field: "id"
                )
            }
            for (column, value) in patch.attributes { row.attributes[column] = value }
            if let payload = patch.payload { row.payload = payload }
            if let partition = patch.partition { row.partition = partition }
            if let newID = patch.newID, newID != patch.id {
                guard try self.row(of: newID, live: live) == nil else {
                    throw VectorStoreError(
                        .duplicateID,
                        "row \(index): a record has the new id \(newID) already",
                        row: index,
                        field: "new_id"
                    )
                }
                changes.append(.delete(patch.id))
                row.id = newID
            }
            changes.append(.upsert(row))
        }
        return changes
    }

    private func row(of id: RecordID, live: LiveSet) throws(VectorStoreError) -> StoredRow? {
        do throws(CorruptionError) {
            guard let key = try live.visibleRow(of: id) else { return nil }
            return try live.storedRow(key)
        } catch {
            throw VectorStoreError(corruption: error)
        }
    }

    // MARK: - Log, then memtables

    private func write(
        _ resolved: [Resolved],
        state: inout WritingState
    ) throws(VectorStoreError) -> UInt64 {
        let located = try locate(resolved, after: state.lastLSN)
        let last = located.reduce(state.lastLSN) { $0 + UInt64($1.changes.count) }
        let named = resolved.compactMap { part in
            part.id.map {
                KnownWrite(
                    collection: part.collection.id,
                    id: $0,
                    receipt: WriteReceipt(lsn: last, count: part.count)
                )
            }
        }
        guard last > state.lastLSN || !named.isEmpty else { return last }
        var frame = LogFrameBuilder()
        for (collection, changes) in located {
            for change in changes {
                guard frame.add(LogOperation(collection: collection.id, change: change.change))
                else {
                    throw VectorStoreError(
                        .batchTooLarge,
                        "the change touches more records than one atomic write holds; split it, "
                            + "for instance by partition"
                    )
                }
            }
        }
        try append(frame, knownWrites: named, state: &state)
        for write in named { state.knownWrites.remember(write) }
        state.lastLSN = last
        apply(located, lsn: last)
        return last
    }

    /// Makes a group visible in one step for each collection.
    ///
    /// With a step for each request there would be live sets at this LSN without some of its changes; a
    /// flush that read one would persist tombstones that are not those of the LSN.
    private func apply(
        _ located: [(collection: CollectionState, changes: [LocatedChange])],
        lsn: UInt64
    ) {
        var (collections, changes): ([CollectionState], [UInt32: [LocatedChange]]) = ([], [:])
        for part in located where !part.changes.isEmpty {
            if changes[part.collection.id] == nil { collections.append(part.collection) }
            changes[part.collection.id, default: []] += part.changes
        }
        for collection in collections {
            collection.apply(changes[collection.id] ?? [], lsn: lsn)
        }
    }

    /// Numbers the changes and looks up what they hide, before anything is logged.
    private func locate(
        _ resolved: [Resolved],
        after lsn: UInt64
    ) throws(VectorStoreError) -> [(collection: CollectionState, changes: [LocatedChange])] {
        var next = lsn + 1
        var located: [(collection: CollectionState, changes: [LocatedChange])] = []
        do throws(CorruptionError) {
            for part in resolved {
                guard let live = part.collection.live else { continue }
                var changes: [LocatedChange] = []
                changes.reserveCapacity(part.changes.count)
                for change in part.changes {
                    changes.append(
                        LocatedChange(
                            lsn: next,
                            change: change,
                            hides: try live.visibleSegmentRow(of: change.id)
                        )
                    )
                    next += 1
                }
                // What is hidden, and what was found to be there, must not rest on zeros.
                try live.checkReadable()
                located.append((part.collection, changes))
            }
        } catch {
            throw VectorStoreError(corruption: error)
        }
        return located
    }

    /// Appends a frame and makes it as durable as the store promises.
    func append(
        _ frame: LogFrameBuilder,
        knownWrites: [KnownWrite] = [],
        state: inout WritingState
    ) throws(VectorStoreError) {
        try LogRotation(core: core).rotateIfNeeded(&state)
        do throws(StorageIOError) {
            try state.log.append(
                payload: frame.payload,
                firstLSN: state.lastLSN + 1,
                operationCount: frame.operationCount,
                knownWrites: knownWrites
            )
            if core.options.durability == .sync { try state.log.synchronize() }
        } catch {
            throw fail(error, state: &state)
        }
    }

    /// A full disk before the sync leaves the log as it was; anything else stops the store.
    private func fail(_ error: StorageIOError, state: inout WritingState) -> VectorStoreError {
        if error.isNoSpace, error.operation != .synchronize {
            do throws(StorageIOError) {
                try state.log.discardUnsynced()
                state.logIsSpent = true
                return VectorStoreError(
                    .diskFull,
                    "the disk is full (\(error)); nothing was written. Searches go on; free space "
                        + "and try again",
                    cause: error
                )
            } catch {
                core.poison(because: error)
            }
        }
        core.poison(because: error)
        return VectorStoreError(
            .outcomeUnknown,
            "the write may or may not be durable (\(error)); open the store anew and repeat it",
            cause: error
        )
    }
}
