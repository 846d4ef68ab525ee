import NIOCore
package import VectorStore

extension Settings {
    /// How the server opens its store.
    package var storeOptions: StoreOptions {
        var options = StoreOptions()
        let threads = integer("store.maintenance_threads")
        // A search that wakes up while every processor is busy with a rebuild waits for a tick.
        options.maintenanceThreadCount =
            threads > 0 ? threads : max(1, System.coreCount - 1)
        options.memoryLimitBytes = bytes("store.memory_limit")
        options.scrubBytesPerSecond = bytes("store.scrub_rate")
        options.liveRecallInterval = integer("store.live_recall_interval")
        return options
    }
}
