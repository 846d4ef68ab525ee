package import StorageIO

/// Removes files that no manifest names any more.
///
/// Only after the manifest that stopped naming them is durable. Readers that still map a file keep its
/// bytes: the name goes, the pages stay until the last mapping does. A removal that fails leaves
/// garbage, which the next open removes.
package struct ObsoleteFiles {
    package let fileSystem: any FileSystem
    package let paths: StorePaths

    package init(fileSystem: any FileSystem, paths: StorePaths) {
        self.fileSystem = fileSystem
        self.paths = paths
    }

    /// Removes what `old` named and `new` does not, and manifests before `old`.
    package func remove(from old: Manifest, to new: Manifest) {
        let kept = Set(names(of: new))
        for path in names(of: old) where !kept.contains(path) { removeQuietly(path) }
        ManifestFile.removeOlder(than: old.number, in: paths.root, fileSystem: fileSystem)
    }

    /// Removes everything that `manifest` does not name, temporary files too.
    ///
    /// Only while nothing else is at work: when a store is opened.
    ///
    /// - Returns: How many files were removed.
    package func sweep(keeping manifest: Manifest) -> Int {
        let kept = Set(names(of: manifest))
        var removed = 0
        for directory in [paths.segments, paths.indexes, paths.logs] {
            for path in paths(in: directory) where !kept.contains(path) {
                removed += removeQuietly(path) ? 1 : 0
            }
        }
        for path in paths(in: paths.root) where path.hasPrefix(paths.root + "/.tmp-") {
            removed += removeQuietly(path) ? 1 : 0
        }
        ManifestFile.removeOlder(
            than: manifest.previousNumber,
            in: paths.root,
            fileSystem: fileSystem
        )
        return removed
    }

    /// Removes a file that was made for a manifest which did not come to be.
    package func removeUnnamed(_ path: String) {
        removeQuietly(path)
    }

    /// The paths of every file that a manifest names.
    package func names(of manifest: Manifest) -> [String] {
        var names: [String] = []
        for segment in manifest.segments {
            names.append(paths.segments + "/" + Segment.fileName(segment.description.segmentID))
            if let tombstones = segment.tombstones {
                names.append(
                    paths.segments + "/"
                        + TombstoneFile.name(
                            segmentID: segment.description.segmentID,
                            lsn: tombstones.lsn
                        )
                )
            }
        }
        names += manifest.centroidSets.map {
            paths.indexes + "/" + CentroidFile.name(generation: $0.generation)
        }
        names += manifest.logFiles.map { paths.logs + "/" + LogFile.name(sequence: $0.sequence) }
        return names
    }

    private func paths(in directory: String) -> [String] {
        do throws(StorageIOError) {
            return try fileSystem.list(directory).map { directory + "/" + $0 }
        } catch {
            return []
        }
    }

    @discardableResult
    private func removeQuietly(_ path: String) -> Bool {
        do throws(StorageIOError) {
            try fileSystem.remove(path)
            return true
        } catch {
            return false
        }
    }
}
