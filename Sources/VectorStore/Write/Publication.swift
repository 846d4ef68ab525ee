// Publishing: how files become part of the store.
//
// - The caller holds the writing lock, so no commit comes between the last look at tombstones and
//   the swap.
// - Every file that the new manifest names is durable already.
// - The log is synced first, so that no manifest is ahead of it.

import StorageIO

/// Writes the next manifest and clears away what it no longer names.
struct Publication {
    let core: StoreCore

    /// Makes `edit` of the manifest durable.
    ///
    /// - Throws: A failure before the rename leaves the old manifest in force; a later one stops the
    ///   store.
    func publish(
        _ state: inout WritingState,
        _ edit: (inout Manifest) -> Void
    ) throws(VectorStoreError) {
        if let poison = core.poison { throw poison }
        do throws(StorageIOError) {
            if !state.logIsSpent { try state.log.synchronize() }
        } catch {
            core.poison(because: error)
            throw VectorStoreError(io: error)
        }
        var next = state.manifest.successor()
        edit(&next)
        do throws(StorageIOError) {
            try ManifestFile.publish(next, in: core.paths.root, fileSystem: core.fileSystem)
        } catch {
            // A manifest that may or may not be there would fork history: stop, unless the call
            // failed before anything had its final name.
            if error.leavesDiskUnknown { core.poison(because: error) }
            throw VectorStoreError(io: error)
        }
        let old = state.manifest
        state.manifest = next
        ObsoleteFiles(fileSystem: core.fileSystem, paths: core.paths).remove(from: old, to: next)
    }
}
