import StorageIO

/// Writes planned rows as a segment file and opens it; nothing names it yet.
struct SegmentBuild {
    let core: StoreCore
    let collection: CollectionState

    /// - Parameters:
    ///   - hasCodes: False leaves out what only decides which rows are looked at, for rows that
    ///   an index is to be built over at once.
    ///   - isCalibrated: Whether the generation was calibrated on these very rows.
    /// - Returns: The open segment and its description; nil when cancelled.
    func write(
        _ plan: SegmentPlan,
        sources: [any RowStore],
        generation: IndexGeneration?,
        hasCodes: Bool = true,
        isCalibrated: Bool = false,
        progress: @escaping (Double) -> Bool
    ) throws(VectorStoreError) -> (segment: Segment, description: SegmentDescription)? {
        let identity = SegmentIdentity(
            storeUUID: core.storeUUID,
            segmentID: core.takeSegmentID(),
            collectionID: collection.id,
            indexGeneration: generation?.number ?? 0
        )
        do throws(SegmentWriteError) {
            let description = try SegmentWriter.write(
                plan: plan,
                sources: sources,
                configuration: collection.configuration,
                identity: identity,
                codes: hasCodes
                    ? CodeSource(
                        generation: generation,
                        threads: core.maintenanceThreads,
                        isCalibrated: isCalibrated
                    ) : nil,
                fileSystem: core.fileSystem,
                directory: core.paths.segments,
                progress: progress
            )
            let segment = try open(description, identity: identity)
            return (segment, description)
        } catch {
            switch error {
            case .cancelled: return nil
            case .io(let error): throw core.failed(error)
            case .corruption(let error): throw VectorStoreError(corruption: error)
            }
        }
    }

    private func open(
        _ description: SegmentDescription,
        identity: SegmentIdentity
    ) throws(SegmentWriteError) -> Segment {
        do throws(SegmentOpenError) {
            return try Segment.open(
                path: core.paths.segments + "/" + Segment.fileName(description.segmentID),
                description: description,
                identity: identity,
                configuration: collection.configuration,
                fileSystem: core.fileSystem
            )
        } catch {
            switch error {
            case .io(let error): throw .io(error)
            case .corruption(let error): throw .corruption(error)
            }
        }
    }
}
