import StorageIO
import Synchronization

/// Statistics of a store as it is.
struct StoreReport {
    let core: StoreCore
    var maintenanceFailure: VectorStoreError?
    var scrub = ScrubStatus()
    var follow = FollowStatus()

    func statistics() -> StoreStatistics {
        let (lsn, number, logs) = core.writing.withLock { state in
            (state.lastLSN, state.manifest.number, state.log.byteCount)
        }
        return StoreStatistics(
            path: core.paths.root,
            storeID: core.storeUUID.map { byte in
                let digits = String(byte, radix: 16)
                return digits.count == 1 ? "0" + digits : digits
            }.joined(),
            lsn: lsn,
            manifestNumber: number,
            logByteCount: logs,
            collections: core.collections.compactMap { state in
                state.live.map { Self.statistics(of: $0, liveRecall: state.liveRecall) }
            },
            recovery: core.recoveryReport,
            maintenanceFailure: maintenanceFailure?.message,
            isDiskFull: core.space.isLow,
            scrub: scrub,
            follow: follow
        )
    }

    static func statistics(
        of live: LiveSet,
        liveRecall: LiveRecall
    ) -> CollectionStatistics {
        var partitions: Set<PartitionName> = []
        if live.configuration.partitionKey != nil {
            for view in live.segments {
                for entry in view.segment.partitions {
                    partitions.insert(PartitionName(entry.name))
                }
            }
            for view in live.memtables {
                for ordinal in 0..<view.rowCount {
                    partitions.insert(PartitionName(view.memtable.partition(at: ordinal)))
                }
            }
        }
        let index = live.index
        return CollectionStatistics(
            configuration: live.configuration,
            rowCount: live.liveCount,
            deletedRowCount: live.segments.reduce(0) { $0 + $1.tombstones.count },
            memtableRowCount: live.memtables.reduce(0) { $0 + $1.liveCount },
            segmentCount: live.segments.count,
            segmentByteCount: live.segments.reduce(0) { $0 + $1.segment.byteCount },
            indexGeneration: live.currentGeneration,
            nlist: index?.set.tables.first { $0.isGlobal }?.nlist ?? 0,
            indexedPartitionCount: index?.set.tables.count { !$0.isGlobal } ?? 0,
            partitionCount: partitions.count,
            liveRecall: liveRecall.reports,
            rebuildSavings: IndexDrift(live: live, liveRecall: liveRecall).savings
        )
    }
}
