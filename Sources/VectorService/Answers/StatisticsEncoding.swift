import VectorStore

/// Writes configurations, statistics and reports as JSON.
enum StatisticsEncoding {
    static func writeMembers(
        _ configuration: CollectionConfiguration,
        to writer: inout JSONWriter
    ) {
        writer.member("name", configuration.name)
        writer.member("dimension", configuration.dimension)
        writer.member("metric", configuration.metric.rawValue)
        if let key = configuration.partitionKey { writer.member("partition_by", key) }
        writer.key("attributes")
        writer.object { writer in
            for attribute in configuration.attributes {
                writer.key(named: attribute.name)
                writer.object { $0.member("type", attribute.type.rawValue) }
            }
        }
    }

    static func write(_ statistics: CollectionStatistics, to writer: inout JSONWriter) {
        writer.object { writer in
            writeMembers(statistics.configuration, to: &writer)
            writer.member("rows", statistics.rowCount)
            writer.member("deleted_rows", statistics.deletedRowCount)
            writer.member("memtable_rows", statistics.memtableRowCount)
            writer.member("segments", statistics.segmentCount)
            writer.member("segment_bytes", statistics.segmentByteCount)
            writer.member("index_generation", statistics.indexGeneration)
            writer.member("nlist", statistics.nlist)
            writer.member("partitions", statistics.partitionCount)
            writer.member("indexed_partitions", statistics.indexedPartitionCount)
            if let savings = statistics.rebuildSavings { writer.member("rebuild_savings", savings) }
            writer.key("live_recall")
            writer.array { writer in
                for one in statistics.liveRecall { write(one, to: &writer) }
            }
        }
    }

    private static func write(_ report: LiveRecallReport, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("band", report.band.rawValue)
            writer.member("samples", report.sampleCount)
            writer.member("recall", report.recall)
            writer.member("target", report.target)
            writer.member("calibrated", report.calibrated)
            writer.member("excess", report.excess)
        }
    }

    static func write(_ statistics: StoreStatistics) -> [UInt8] {
        JSONWriter.text { writer in
            writer.member("store_id", statistics.storeID)
            writer.member("lsn", statistics.lsn)
            writer.member("manifest", statistics.manifestNumber)
            writer.member("log_bytes", statistics.logByteCount)
            writer.member("kernels", VectorDatabase.kernelTier)
            writer.member("disk_full", statistics.isDiskFull)
            if let failure = statistics.maintenanceFailure {
                writer.member("maintenance_failure", failure)
            }
            writer.key("scrub")
            writer.object { writer in
                let scrub = statistics.scrub
                writer.member("passes", scrub.passCount)
                writer.member("files", scrub.fileCount)
                writer.member("bytes", scrub.byteCount)
                writer.key("problems")
                writer.array { for problem in scrub.problems { $0.value(problem) } }
            }
            writer.key("recovery")
            writer.object { writer in
                let recovery = statistics.recovery
                writer.member("was_clean", recovery.wasClean)
                writer.member("replayed_batches", recovery.replayedBatchCount)
                writer.member("replayed_operations", recovery.replayedOperationCount)
                writer.member("discarded_bytes", recovery.discardedByteCount)
                writer.member("removed_files", recovery.removedFileCount)
            }
            writer.key("collections")
            writer.array { writer in
                for collection in statistics.collections { write(collection, to: &writer) }
            }
        }
    }

    static func write(_ report: RebuildReport, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("generation", report.generation)
            writer.member("rows", report.rowCount)
            writer.member("nlist", report.nlist)
            writer.member("indexed_partitions", report.indexedPartitionCount)
            writer.key("seconds")
            writer.object { writer in
                // A phase may come up twice; JSON keys may not.
                var total: [(name: String, seconds: Double)] = []
                for phase in report.seconds {
                    if let index = total.firstIndex(where: { $0.name == phase.name }) {
                        total[index].seconds += phase.seconds
                    } else {
                        total.append((phase.name, phase.seconds))
                    }
                }
                for phase in total { writer.member(named: phase.name, phase.seconds) }
            }
            guard let comparison = report.comparison else { return }
            writer.key("comparison")
            writer.object { writer in
                for (name, side) in [("before", comparison.before), ("after", comparison.after)] {
                    writer.key(named: name)
                    writer.object { writer in
                        writer.member("recall", side.recall)
                        writer.member("p99_us", side.p99Microseconds)
                        writer.member("codes", side.codes)
                    }
                }
            }
        }
    }
}
