/// How the log names a partition without telling who it is.
enum PartitionHash {
    /// FNV-1a over the store's id and the partitions: the same in every line of one store's logs.
    static func text(of partitions: [String], store: String) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for text in [store] + partitions {
            for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
            hash = (hash ^ 0xFF) &* 0x100_0000_01B3
        }
        return String(hash, radix: 16)
    }
}
