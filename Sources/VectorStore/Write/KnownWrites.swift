// Which writes were done under an id.
//
// - The log holds every id that is remembered: beside the group it came with, and once more at the head
//   of each new file, before a manifest names that file and lets go of older ones.
// - The number of ids is bounded, not their age: what is remembered does not depend on a clock.

import StorageIO

/// The writes last done under an id.
package struct KnownWrites: Sendable {
    private struct Key: Hashable {
        var collection: UInt32
        var id: WriteID
    }

    private let capacity: Int
    private var receipts: [Key: WriteReceipt] = [:]
    /// A ring once it is full: `oldest` is overwritten next.
    private var order: [Key] = []
    private var oldest = 0

    package init(capacity: Int = WriteID.rememberedCount) {
        self.capacity = capacity
    }

    package var count: Int { order.count }

    /// The receipt of the write that was done under this id.
    package func receipt(of id: WriteID, in collection: UInt32) -> WriteReceipt? {
        receipts[Key(collection: collection, id: id)]
    }

    /// The answer to a write that was done under this id, when it is sent again.
    func repetition(of id: WriteID?, in collection: UInt32) -> WriteReceipt? {
        guard let id, var receipt = receipt(of: id, in: collection) else { return nil }
        receipt.isRepeated = true
        return receipt
    }

    /// Remembers a write; one that is known already stays as it was.
    package mutating func remember(_ write: KnownWrite) {
        let key = Key(collection: write.collection, id: write.id)
        guard receipts[key] == nil else { return }
        receipts[key] = write.receipt
        if order.count < capacity {
            order.append(key)
        } else {
            receipts[order[oldest]] = nil
            order[oldest] = key
            oldest = (oldest + 1) % capacity
        }
    }

    /// Every write that is remembered, the oldest first.
    package var all: [KnownWrite] {
        (order[oldest...] + order[..<oldest]).map { key in
            guard let receipt = receipts[key] else {
                preconditionFailure("the order of writes names one that is forgotten")
            }
            return KnownWrite(collection: key.collection, id: key.id, receipt: receipt)
        }
    }
}
