import StorageIO

/// Reads a closed store in full.
struct StoreVerification {
    let fileSystem: any FileSystem
    let root: String

    func run(
        progress: (@Sendable (Double) -> Void)?
    ) throws(VectorStoreError) -> VerificationReport {
        let lock = try StoreOpening(
            fileSystem: fileSystem,
            root: root,
            options: .existingOnly
        ).lockExisting()
        defer { lock.release() }
        do throws(LoadError) {
            let manifest = try ManifestFile.loadNewest(in: root, fileSystem: fileSystem)
            return check(manifest, progress: progress)
        } catch {
            return VerificationReport(
                fileCount: 0,
                byteCount: 0,
                problems: [VectorStoreError(load: error).message]
            )
        }
    }

    /// Reads every file that a manifest names, while nobody removes them.
    func check(
        _ manifest: Manifest,
        progress: (@Sendable (Double) -> Void)?
    ) -> VerificationReport {
        var report = checkFiles(manifest, progress: progress)
        do throws(LoadError) {
            _ = try LogReplay(
                fileSystem: fileSystem,
                directory: StorePaths(root: root).logs,
                storeUUID: manifest.storeUUID
            ).replay(
                files: manifest.logFiles.map(\.sequence),
                after: manifest.flushedLSN,
                makesDurable: false
            ) { _, _ in }
        } catch {
            report.problems.append(VectorStoreError(load: error).message)
        }
        return report
    }

    /// Reads every file that a manifest names but those of the log.
    func checkFiles(
        _ manifest: Manifest,
        progress: (@Sendable (Double) -> Void)?
    ) -> VerificationReport {
        let paths = StorePaths(root: root)
        var report = VerificationReport(fileCount: 0, byteCount: 0, problems: [])
        do throws(LoadError) {
            let files = ObsoleteFiles(fileSystem: fileSystem, paths: paths).names(of: manifest)
            report.fileCount = files.count + 1
            for path in files {
                let status = try loading { () throws(StorageIOError) in
                    try fileSystem.status(path)
                }
                report.byteCount += status?.byteCount ?? 0
            }
            let collections = try StoreLoader(
                fileSystem: fileSystem,
                paths: paths,
                manifest: manifest
            ).loadCollections()
            try verify(collections, into: &report, progress: progress)
        } catch {
            report.problems.append(VectorStoreError(load: error).message)
        }
        return report
    }

    private func verify(
        _ collections: [UInt32: CollectionState],
        into report: inout VerificationReport,
        progress: (@Sendable (Double) -> Void)?
    ) throws(LoadError) {
        let segments = collections.values.flatMap { collection in
            (collection.live?.segments ?? []).map { (collection, $0) }
        }
        for (index, (collection, view)) in segments.enumerated() {
            for problem in view.segment.verifyAll() { report.problems.append("\(problem)") }
            checkUniqueness(of: collection, view: view, into: &report)
            progress?(Double(index + 1) / Double(segments.count))
        }
    }

    /// Each live id must be visible in one segment only.
    private func checkUniqueness(
        of collection: CollectionState,
        view: SegmentView,
        into report: inout VerificationReport
    ) {
        guard let live = collection.live else { return }
        let own = live.segments.firstIndex { $0.segment === view.segment }
        for ordinal in 0..<view.segment.rowCount where !view.tombstones.contains(ordinal) {
            do throws(CorruptionError) {
                let id = try view.segment.id(at: ordinal)
                guard let found = try live.visibleSegmentRow(of: id), found.segment == own,
                    found.ordinal == ordinal
                else {
                    report.problems.append(
                        "collection \(collection.configuration.name): id \(id) is visible in more "
                            + "than one place, or its id map does not find it"
                    )
                    return
                }
            } catch {
                report.problems.append("\(error)")
                return
            }
        }
    }
}

extension StoreOptions {
    /// For work that must not create anything.
    static var existingOnly: StoreOptions {
        var options = StoreOptions()
        options.createIfMissing = false
        return options
    }
}
