/// A partition's name as the format compares it: by its UTF-8 bytes.
///
/// Swift compares text by canonical equivalence, under which names that differ on disk would be one.
package struct PartitionName: Hashable, Sendable, Comparable {
    package let text: String

    package init(_ text: String) {
        self.text = text
    }

    package static func == (lhs: PartitionName, rhs: PartitionName) -> Bool {
        lhs.text.utf8.elementsEqual(rhs.text.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }

    package static func < (lhs: PartitionName, rhs: PartitionName) -> Bool {
        lhs.text.utf8.lexicographicallyPrecedes(rhs.text.utf8)
    }
}
