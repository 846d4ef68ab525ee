package import StorageIO

/// A write that was done under an id.
package struct KnownWrite: Sendable, Hashable {
    package var collection: UInt32
    package var id: WriteID
    package var receipt: WriteReceipt

    package init(collection: UInt32, id: WriteID, receipt: WriteReceipt) {
        self.collection = collection
        self.id = id
        self.receipt = receipt
    }

    /// Appends the write as a frame of known writes holds it.
    package func encode(into writer: inout ByteWriter) {
        writer.write(id.uuid.high.byteSwapped)
        writer.write(id.uuid.low.byteSwapped)
        writer.write(receipt.lsn)
        writer.write(collection)
        writer.write(UInt32(receipt.count))
    }

    package init(from reader: inout ByteReader) throws(CorruptionError) {
        let high: UInt64 = try reader.read()
        let low: UInt64 = try reader.read()
        let lsn: UInt64 = try reader.read()
        collection = try reader.read()
        let count: UInt32 = try reader.read()
        id = WriteID(RecordUUID(high: high.byteSwapped, low: low.byteSwapped))
        receipt = WriteReceipt(lsn: lsn, count: Int(count))
    }
}
