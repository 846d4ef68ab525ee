import StorageIO
import Synchronization

/// The end of an open store: nothing is left for the next open to replay.
struct StoreClosing {
    let core: StoreCore

    /// - Throws: What hindered the flush or the seal; the lock is released in any case.
    func run() throws(VectorStoreError) {
        defer { core.directoryLock.release() }
        var failure: VectorStoreError?
        if core.poison == nil {
            for collection in core.collections {
                do throws(VectorStoreError) {
                    let flush = Flush(core: core, collection: collection)
                    flush.freeze()
                    try flush.run()
                } catch {
                    failure = failure ?? error
                }
            }
        }
        core.writing.withLock { state in
            core.close()
            guard core.poison == nil, !state.logIsSpent else { return }
            do throws(StorageIOError) {
                try state.log.seal()
            } catch {
                failure = failure ?? VectorStoreError(io: error)
            }
        }
        for collection in core.collections { collection.replace(nil) }
        if let failure { throw failure }
    }
}
