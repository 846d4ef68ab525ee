import StorageIO

extension Segment {
    /// Partitions and payload blocks that a dump shows before it says how many more there are.
    private static let dumpLimit = 20

    /// Describes the file for a person: what each part is, where it lies and what it holds.
    ///
    /// Ids, attribute values, payloads and vectors stay out of it.
    package func dump(into output: inout some TextOutputStream) {
        line("segment \(segmentID), \(Self.fileName(segmentID)), \(byteCount) bytes", &output)
        let major: UInt16 = header.integer(at: SegmentHeaderLayout.formatMajor)
        let minor: UInt16 = header.integer(at: SegmentHeaderLayout.formatMinor)
        let collection: UInt32 = header.integer(at: SegmentHeaderLayout.collectionID)
        let uuid = header.bytes(
            SegmentHeaderLayout.storeUUID..<SegmentHeaderLayout.storeUUID + 16
        )
        line("header at 0", &output)
        line("  format            \(major).\(minor)", &output)
        line("  store             \(uuid.map(hexByte).joined())", &output)
        line("  collection        \(collection)", &output)
        line("  dimension         \(dimension), row stride \(strideFloats * 4) bytes", &output)
        line("  rows              \(rowCount)", &output)
        line("  index generation  \(indexGeneration)", &output)
        line("  LSNs              \(description.lsnMin) to \(description.lsnMax)", &output)
        dumpSections(&output)
        dumpPartitions(&output)
        if let globalLists { line("global posting lists: \(globalLists.nlist)", &output) }
        dumpColumns(&output)
        dumpPayloads(&output)
        let footer = byteCount - UInt64(SegmentLayout.pageByteCount)
        let crc = String(description.footerCRC, radix: 16)
        line("footer at \(footer), checksum 0x\(crc)", &output)
    }

    private var header: SegmentBytes {
        SegmentBytes(
            base: file.region.baseAddress,
            count: SegmentLayout.pageByteCount,
            file: file.name,
            offset: 0
        )
    }

    private func dumpSections(_ output: inout some TextOutputStream) {
        line("sections: kind, name, offset, bytes, checksums", &output)
        for (index, section) in file.sections.enumerated() {
            var state = "good"
            for block in 0..<Int(section.blockCount) {
                do throws(CorruptionError) {
                    try file.verifyBlock(file.firstBlocks[index] + block, section: index)
                } catch {
                    state = "BAD: \(error)"
                    break
                }
            }
            line(
                "  \(section.kind.rawValue)  \(section.kind)  \(section.offset)  "
                    + "\(section.byteCount)  \(section.blockCount) \(state)",
                &output
            )
        }
        line("checksum table at \(file.checksums.offset), \(file.checksums.count) bytes", &output)
    }

    private func dumpPartitions(_ output: inout some TextOutputStream) {
        line("partitions: \(partitionCount)", &output)
        for entry in partitions.prefix(Self.dumpLimit) {
            let lists = entry.centroidTable.map { "table \($0), \(entry.nlist) lists" }
            line(
                "  rows \(entry.ordinals.lowerBound)..<\(entry.ordinals.upperBound)  "
                    + "\(lists ?? "no lists")  key of \(entry.name.utf8.count) bytes",
                &output
            )
        }
        more(partitionCount, &output)
    }

    private func dumpColumns(_ output: inout some TextOutputStream) {
        line("attribute columns: \(columns.count)", &output)
        for (index, column) in columns.enumerated() {
            var present = 0
            for word in 0..<(rowCount + 63) / 64 {
                present += column.presenceWord(word).nonzeroBitCount
            }
            let strings = column.stringCount == 0 ? "" : ", \(column.stringCount) strings"
            line(
                "  \(index)  \(column.type.rawValue), \(column.encoding), \(present) values"
                    + strings,
                &output
            )
        }
    }

    private func dumpPayloads(_ output: inout some TextOutputStream) {
        line("payload blocks: \(payloads.blockCount)", &output)
        for index in 0..<min(payloads.blockCount, Self.dumpLimit) {
            let block = payloads.block(index)
            let how = block.storedByteCount == block.rawByteCount ? "raw" : "LZ4"
            line(
                "  \(index)  at \(block.offset), \(block.storedByteCount) bytes \(how), "
                    + "\(block.rawByteCount) raw",
                &output
            )
        }
        more(payloads.blockCount, &output)
    }

    private func more(_ count: Int, _ output: inout some TextOutputStream) {
        guard count > Self.dumpLimit else { return }
        line("  and \(count - Self.dumpLimit) more", &output)
    }

    private func line(_ text: String, _ output: inout some TextOutputStream) {
        output.write(text)
        output.write("\n")
    }

    private func hexByte(_ byte: UInt8) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
}
