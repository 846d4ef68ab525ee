package import StorageIO

/// Rows that are addressed by ordinal: a segment on disk, or a memtable.
///
/// Everything that reads whole records (compaction, scans, answers) goes through this protocol;
/// distance scans read the vectors of the concrete types directly.
package protocol RowStore: AnyObject, Sendable {
    /// Floats in each vector.
    var dimension: Int { get }
    /// The id of a row.
    func id(at ordinal: Int) throws(CorruptionError) -> RecordID
    /// The position in the write order at which the row was written; never 0.
    func lsn(at ordinal: Int) -> UInt64
    /// The partition of a row; empty when the collection has no partitions.
    func partition(at ordinal: Int) -> String
    /// The unit vector of a row, `[dimension]`, valid while the store is referenced.
    func vector(at ordinal: Int) throws(CorruptionError) -> UnsafePointer<Float>
    /// The value of a declared attribute (by its index in the declaration), or nil.
    func attribute(_ column: Int, at ordinal: Int) -> AttributeValue?
    /// The payload, or nil.
    func payload(at ordinal: Int) throws(CorruptionError) -> [UInt8]?
    /// The length of the payload, or nil when there is none.
    func payloadByteCount(at ordinal: Int) throws(CorruptionError) -> Int?
}

extension RowStore {
    package func payloadByteCount(at ordinal: Int) throws(CorruptionError) -> Int? {
        try payload(at: ordinal)?.count
    }
}
