import StorageIO

/// Opens every file that a manifest names and puts the collections together.
struct StoreLoader {
    let fileSystem: any FileSystem
    let paths: StorePaths
    let manifest: Manifest
    /// What is open already and need not be read again: files never change.
    var known = KnownFiles()
    /// As `StoreOptions.liveRecallInterval`.
    var recallInterval = 0

    /// Open files of an earlier manifest.
    struct KnownFiles {
        var segments: [UInt64: Segment] = [:]
        var generations: [UInt64: IndexGeneration] = [:]
    }

    func loadCollections() throws(LoadError) -> [UInt32: CollectionState] {
        var collections: [UInt32: CollectionState] = [:]
        for entry in manifest.collections {
            let generations = try loadGenerations(of: entry)
            let segments = try loadSegments(of: entry)
            for view in segments {
                let number = view.segment.indexGeneration
                guard number == 0 || generations[number] != nil else {
                    throw .corruption(
                        .missingFile(
                            file: CentroidFile.name(generation: number),
                            reason: "segment \(view.segment.segmentID) was listed under it"
                        )
                    )
                }
            }
            let live = LiveSet(
                lsn: manifest.flushedLSN,
                configuration: entry.configuration,
                memtables: [MemtableView(empty: entry.configuration)],
                segments: segments,
                generations: generations,
                currentGeneration: entry.indexGeneration
            )
            collections[entry.id] = CollectionState(
                id: entry.id,
                configuration: entry.configuration,
                live: live,
                recallInterval: recallInterval
            )
        }
        return collections
    }

    private func loadGenerations(
        of collection: Manifest.CollectionEntry
    ) throws(LoadError) -> [UInt64: IndexGeneration] {
        var generations: [UInt64: IndexGeneration] = [:]
        for entry in manifest.centroidSets where entry.collectionID == collection.id {
            if let open = known.generations[entry.generation] {
                generations[entry.generation] = open
                continue
            }
            let set = try CentroidFile.load(
                entry,
                storeUUID: manifest.storeUUID,
                dimension: collection.configuration.dimension,
                directory: paths.indexes,
                fileSystem: fileSystem
            )
            generations[entry.generation] = IndexGeneration(set)
        }
        return generations
    }

    private func loadSegments(
        of collection: Manifest.CollectionEntry
    ) throws(LoadError) -> [SegmentView] {
        var views: [SegmentView] = []
        for entry in manifest.segments where entry.collectionID == collection.id {
            let identity = SegmentIdentity(
                storeUUID: manifest.storeUUID,
                segmentID: entry.description.segmentID,
                collectionID: collection.id,
                indexGeneration: entry.indexGeneration
            )
            let open = known.segments[entry.description.segmentID]
            let segment =
                if let open, open.description == entry.description { open } else {
                    try Segment.open(
                        directory: paths.segments,
                        description: entry.description,
                        identity: identity,
                        configuration: collection.configuration,
                        fileSystem: fileSystem
                    )
                }
            var tombstones = TombstoneSet(rowCount: segment.rowCount)
            if let persisted = entry.tombstones {
                tombstones = try TombstoneFile.load(
                    persisted,
                    segmentID: entry.description.segmentID,
                    rowCount: segment.rowCount,
                    storeUUID: manifest.storeUUID,
                    directory: paths.segments,
                    fileSystem: fileSystem
                )
            }
            views.append(
                SegmentView(
                    segment: segment,
                    tombstones: tombstones,
                    persistedTombstones: entry.tombstones
                )
            )
        }
        return views.sorted { $0.segment.segmentID < $1.segment.segmentID }
    }
}
