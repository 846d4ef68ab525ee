/// A store: one directory of collections, open for reading and writing by this process alone.
public final class VectorDatabase: Sendable {
    /// Opens the store in `path`, recovering what the last process left.
    public static func open(
        at path: String, options: StoreOptions = StoreOptions()
    ) async throws(VectorStoreError) -> VectorDatabase {
        fatalError("not there yet")
    }

    /// The directory.
    public var path: String { fatalError("not there yet") }

    /// Creates a collection; returns the existing one if it has the same configuration.
    @discardableResult
    public func createCollection(
        _ configuration: CollectionConfiguration
    ) async throws(VectorStoreError) -> VectorCollection { fatalError("not there yet") }

    /// Creates a collection; returns the existing one if it has the same configuration.
    @discardableResult
    public func createCollection(
        _ name: String, dimension: Int, partitionKey: String? = nil,
        attributes: KeyValuePairs<String, AttributeType> = [:]
    ) async throws(VectorStoreError) -> VectorCollection { fatalError("not there yet") }

    /// The collection of this name; `unknownCollection` when there is none.
    public func collection(_ name: String) throws(VectorStoreError) -> VectorCollection {
        fatalError("not there yet")
    }

    /// All collections' configurations, by name.
    public func collections() throws(VectorStoreError) -> [CollectionConfiguration] {
        fatalError("not there yet")
    }

    /// Removes a collection and its records.
    public func dropCollection(_ name: String) async throws(VectorStoreError) {
        fatalError("not there yet")
    }

    /// The state of the store and of every collection.
    public func statistics() throws(VectorStoreError) -> StoreStatistics {
        fatalError("not there yet")
    }

    /// Flushes memtables to segments, seals the log and lets go of the directory. Safe to call twice.
    public func close() async throws(VectorStoreError) { fatalError("not there yet") }

    /// Reads every file of the store in `path`, which no process may have open for writing, and
    /// checks every checksum and cross-reference.
    public static func verify(
        at path: String, progress: (@Sendable (Double) -> Void)? = nil
    ) throws(VectorStoreError) -> VerificationReport { fatalError("not there yet") }

    /// An annotated dump of one file of a store, for people: a manifest, log file, segment,
    /// centroid set or tombstone bitmap.
    public static func inspect(file path: String) throws(VectorStoreError) -> String {
        fatalError("not there yet")
    }

    /// The instruction set that distance kernels use on this machine: `avx512`, `avx2`, `neon` or
    /// `scalar`.
    public static var kernelTier: String { fatalError("not there yet") }
}
