import StorageIO
import Synchronization

/// Creates and drops collections.
///
/// Both are manifests of their own: no log frame refers to a collection that a durable manifest
/// does not name, and numbers of collections are never used again.
struct Catalogue {
    let core: StoreCore

    func create(
        _ configuration: CollectionConfiguration
    ) throws(VectorStoreError) -> CollectionState {
        try core.completeOpening()
        return try core.writing.withLock { (state) throws(VectorStoreError) in
            try core.checkWritable()
            if let existing = core.collection(named: configuration.name) {
                guard existing.configuration == configuration else {
                    throw VectorStoreError(
                        .collectionExists,
                        "collection \(configuration.name) exists with another configuration "
                            + "(dimension \(existing.configuration.dimension)); drop it first or "
                            + "choose another name",
                        field: "name"
                    )
                }
                return existing
            }
            let id = state.manifest.nextCollectionID
            try Publication(core: core).publish(&state) { manifest in
                manifest.collections.append(
                    Manifest.CollectionEntry(
                        id: id,
                        configuration: configuration,
                        indexGeneration: 0
                    )
                )
                manifest.nextCollectionID = id + 1
            }
            let live = LiveSet(
                lsn: state.lastLSN,
                configuration: configuration,
                memtables: [MemtableView(empty: configuration)],
                segments: [],
                generations: [:],
                currentGeneration: 0
            )
            let collection = CollectionState(
                id: id,
                configuration: configuration,
                live: live,
                recallInterval: core.options.liveRecallInterval
            )
            core.add(collection)
            return collection
        }
    }

    func drop(_ collection: CollectionState) throws(VectorStoreError) {
        try core.completeOpening()
        try core.writing.withLock { (state) throws(VectorStoreError) in
            try core.checkWritable()
            guard collection.live != nil else { return }
            try Publication(core: core).publish(&state) { manifest in
                manifest.collections.removeAll { $0.id == collection.id }
                manifest.segments.removeAll { $0.collectionID == collection.id }
                manifest.centroidSets.removeAll { $0.collectionID == collection.id }
            }
            core.remove(collection)
        }
    }
}
