// The last moment of a damaged store that is whole, as a new store.
//
// - A moment is a manifest, every file that it names, and the log from its flush on up to the first
//   damage: what some earlier moment held, with its index and its LSNs, and no hole in it.
// - The source is only read. The target is written and verified as a snapshot is.
// - Nothing is given up unasked: what would be lost is said first.

import StorageIO

/// Goes back to the newest moment that can be believed.
struct StoreRepair {
    let fileSystem: any FileSystem
    let source: String
    let target: String
    /// Goes back to this manifest; nil for the newest whose files are all whole.
    let manifestNumber: UInt64?
    let acceptsLoss: Bool

    private var paths: StorePaths { StorePaths(root: source) }

    func run() throws(VectorStoreError) -> RepairReport {
        let lock = try StoreOpening(fileSystem: fileSystem, root: source, options: .existingOnly)
            .lockExisting()
        defer { lock.release() }
        var report = RepairReport()
        let (manifest, isNewest) = try wholeManifest(&report)
        let log: LogPrefix
        do throws(LoadError) {
            log = try LogPrefix(
                of: manifest,
                isNewest: isNewest,
                in: paths,
                fileSystem: fileSystem
            )
        } catch {
            throw VectorStoreError(load: error)
        }
        report.manifestNumber = manifest.number
        report.lsn = log.lastLSN
        report.lostChangeCount = max(log.lastKnownLSN, log.lastLSN) - log.lastLSN
        note(log, &report)
        if report.problems.isEmpty && report.losses.isEmpty { return report }
        guard report.losses.isEmpty || acceptsLoss else { return report }
        try write(manifest, log)
        report.isWritten = true
        return report
    }

    // MARK: - The manifest

    /// The newest manifest all of whose files but the log are whole, and whether none came after.
    private func wholeManifest(
        _ report: inout RepairReport
    ) throws(VectorStoreError) -> (Manifest, isNewest: Bool) {
        let numbers: [UInt64]
        do throws(StorageIOError) {
            numbers = try fileSystem.list(source).compactMap(ManifestFile.number).sorted(by: >)
        } catch {
            throw VectorStoreError(io: error)
        }
        if let manifestNumber, !numbers.contains(manifestNumber) {
            throw VectorStoreError(
                .corrupt,
                "\(source) has no manifest \(manifestNumber); it has "
                    + numbers.map(String.init).joined(separator: ", "),
                field: "manifest"
            )
        }
        for number in numbers {
            if let manifestNumber, number > manifestNumber {
                report.losses.append("what manifest \(number) published is undone, as asked")
                continue
            }
            do throws(LoadError) {
                let manifest = try ManifestFile.load(
                    number: number,
                    in: source,
                    fileSystem: fileSystem
                )
                let files = StoreVerification(fileSystem: fileSystem, root: source)
                    .checkFiles(manifest, progress: nil)
                if files.problems.isEmpty { return (manifest, number == numbers.first) }
                report.problems += files.problems
            } catch {
                report.problems.append(VectorStoreError(load: error).message)
            }
            report.losses.append(
                "what manifest \(number) published is undone: collections created or dropped, "
                    + "flushes and merges, new indexes"
            )
        }
        throw VectorStoreError(
            .corrupt,
            "no moment of \(source) is whole: "
                + report.problems.joined(separator: "; ")
                + ". Restore a snapshot, or salvage what can be read"
        )
    }

    private func note(_ log: LogPrefix, _ report: inout RepairReport) {
        if let damage = log.damage { report.problems.append(damage) }
        if log.lastKnownLSN > log.lastLSN {
            report.losses.append(
                "the changes from LSN \(log.lastLSN + 1) to \(log.lastKnownLSN) are given up"
            )
        } else if log.damage != nil {
            report.losses.append(
                "what the log held beyond LSN \(log.lastLSN), if anything, is given up"
            )
        }
        if log.homelessCount > 0 {
            report.losses.append(
                "\(log.homelessCount) changes of collections that manifest "
                    + "\(report.manifestNumber) does not know are given up"
            )
        }
    }

    // MARK: - The new store

    private func write(_ manifest: Manifest, _ log: LogPrefix) throws(VectorStoreError) {
        var manifest = manifest
        manifest.logFiles = log.parts.map(\.entry)
        manifest.nextLogSequence = max(
            manifest.nextLogSequence,
            (manifest.logFiles.last?.sequence ?? 0) + 1
        )
        var limits: [String: UInt64] = [:]
        for part in log.parts {
            limits[LogFile.name(sequence: part.entry.sequence)] = part.byteCount
        }
        try StoreCopy(fileSystem: fileSystem, source: source, target: target)
            .write(manifest, limits: limits)
    }
}
