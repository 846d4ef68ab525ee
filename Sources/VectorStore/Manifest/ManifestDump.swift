import StorageIO

/// A manifest as text.
struct ManifestDump {
    let bytes: [UInt8]
    let name: String

    var text: String {
        guard let number = ManifestFile.number(ofName: name) else {
            return "\(name): not the name of a manifest\n"
        }
        do throws(CorruptionError) {
            return describe(try Manifest(decoding: bytes, file: name, number: number))
        } catch {
            return "damaged: \(error)\n"
        }
    }

    private func describe(_ manifest: Manifest) -> String {
        var lines = [
            "manifest \(manifest.number), after \(manifest.previousNumber), \(bytes.count) bytes",
            "  0x20 store uuid         \(hexadecimal(manifest.storeUUID))",
            "       flushed LSN        \(manifest.flushedLSN)",
            "       next log file      \(manifest.nextLogSequence)",
            "       next segment       \(manifest.nextSegmentID)",
            "       next generation    \(manifest.nextGeneration)",
            "       next collection    \(manifest.nextCollectionID)",
        ]
        for entry in manifest.logFiles {
            lines.append("  log file \(entry.sequence): from LSN \(entry.firstLSN)")
        }
        for entry in manifest.collections {
            let key = entry.configuration.partitionKey.map { ", partitioned by \($0)" } ?? ""
            lines.append(
                "  collection \(entry.id) \(entry.configuration.name): dimension "
                    + "\(entry.configuration.dimension)\(key), generation \(entry.indexGeneration)")
            for attribute in entry.configuration.attributes {
                lines.append("    attribute \(attribute.name): \(attribute.type.rawValue)")
            }
        }
        for entry in manifest.segments {
            let hidden = entry.tombstones.map { ", \($0.count) hidden at LSN \($0.lsn)" } ?? ""
            lines.append(
                "  segment \(entry.description.segmentID) of collection \(entry.collectionID): "
                    + "\(entry.description.rowCount) rows, \(entry.description.byteCount) bytes, "
                    + "LSN \(entry.description.lsnMin)…\(entry.description.lsnMax), generation "
                    + "\(entry.indexGeneration)\(hidden)")
        }
        for entry in manifest.centroidSets {
            lines.append(
                "  centroid set \(entry.generation) of collection \(entry.collectionID): "
                    + "\(entry.byteCount) bytes")
        }
        lines.append("  checksum good")
        return lines.joined(separator: "\n") + "\n"
    }
}

/// Bytes as hexadecimal digits.
func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}
