import CStorageShims
import Testing

@testable import StorageIO

@Suite struct `CRC-32C` {
    @Test func `the vectors of RFC 3720 come out`() {
        #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(CRC32C.checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(CRC32C.checksum((0..<32).map { UInt8($0) }) == 0x46DD_794E)
        #expect(CRC32C.checksum((0..<32).reversed().map { UInt8($0) }) == 0x113F_DB5C)
        #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xE306_9283)
    }

    @Test func `the instruction and the tables agree at every length and alignment`() {
        var state: UInt64 = 1
        let bytes = (0..<16_384).map { _ -> UInt8 in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(state >> 56)
        }
        let lengths = Array(0...1_024) + [6_143, 6_144, 6_145, 12_288, 12_300]
        bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress else { return }
            for length in lengths {
                for alignment in 0..<16 {
                    let hardware = vs_crc32c(7, base + alignment, length)
                    let portable = vs_crc32c_portable(7, base + alignment, length)
                    if hardware != portable {
                        Issue.record("length \(length), alignment \(alignment)")
                        return
                    }
                }
            }
        }
    }

    @Test func `a checksum continues over parts`() {
        let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let whole = CRC32C.checksum(bytes)
        for cut in [0, 1, 4_095, 9_999] {
            let head = CRC32C.checksum(Array(bytes[..<cut]))
            #expect(CRC32C.checksum(Array(bytes[cut...]), crc: head) == whole)
        }
    }
}
