package import StorageIO
import VectorMath

extension Segment {
    package func id(at ordinal: Int) throws(CorruptionError) -> RecordID {
        precondition(ordinal >= 0 && ordinal < rowCount)
        if let id = RecordID.decode(idBytes.bytes(idRange(ordinal))) { return id }
        var reader = idReader(at: ordinal)
        return try RecordID.decode(from: &reader)
    }

    /// Asks for where the id of a row lies, ahead of `prefetchID`.
    func prefetchIDOffset(_ ordinal: Int) {
        Kernels.prefetch(idOffsets.base + ordinal * 8)
    }

    /// Asks for the id of a row, ahead of its use.
    func prefetchID(_ ordinal: Int) {
        Kernels.prefetch(idBytes.base + idRange(ordinal).lowerBound)
    }

    package func lsn(at ordinal: Int) -> UInt64 {
        precondition(ordinal >= 0 && ordinal < rowCount)
        return rowLSNs.integer(at: ordinal * 8)
    }

    package func partition(at ordinal: Int) -> String {
        precondition(ordinal >= 0 && ordinal < rowCount)
        return directory.entry(ofOrdinal: ordinal).name
    }

    package func vector(at ordinal: Int) throws(CorruptionError) -> UnsafePointer<Float> {
        try verifyVector(ordinal)
        return vectors + ordinal * strideFloats
    }

    package func attribute(_ column: Int, at ordinal: Int) -> AttributeValue? {
        precondition(ordinal >= 0 && ordinal < rowCount)
        return columns[column].value(at: ordinal)
    }

    package func payload(at ordinal: Int) throws(CorruptionError) -> [UInt8]? {
        precondition(ordinal >= 0 && ordinal < rowCount)
        guard let location = try payloads.location(at: ordinal) else { return nil }
        let block = payloads.block(location.block)
        let range = Int(block.offset)..<Int(block.offset) + block.storedByteCount
        try file.verify(section: payloadSection, range: range)
        let bytes = file.bytes(section: payloadSection)
        guard
            let payload = PayloadBlocks.decode(
                bytes.bytes(range),
                block: block,
                location: location
            )
        else {
            throw bytes.invalid(
                "payload block \(location.block)",
                found: "bytes that LZ4 cannot decode",
                expected: "\(block.rawByteCount) bytes",
                at: range.lowerBound
            )
        }
        return payload
    }

    // MARK: - Ids

    private func idReader(at ordinal: Int) -> ByteReader {
        precondition(ordinal >= 0 && ordinal < rowCount)
        let range = idRange(ordinal)
        return ByteReader(
            idBytes.bytes(range),
            file: file.name,
            base: idBytes.offset + UInt64(range.lowerBound)
        )
    }

    private func idRange(_ ordinal: Int) -> Range<Int> {
        let start: UInt64 = idOffsets.integer(at: ordinal * 8)
        let end: UInt64 = idOffsets.integer(at: ordinal * 8 + 8)
        // Checked at open; a page that was lost since reads as zeros, and must not trap.
        guard start <= end else { return 0..<0 }
        return Int(start)..<Int(end)
    }

    /// The row of an id, hidden or not.
    ///
    /// - Complexity: O(log log *n*) expected: hashes are even, so the place is interpolated.
    package func ordinal(of id: RecordID) throws(CorruptionError) -> Int? {
        let bytes = id.encodedBytes
        let hash = RecordID.stableHash(ofEncoded: bytes)
        var position = mapPosition(firstHashAtLeast: hash)
        while position < rowCount, self.hash(atMapPosition: position) == hash {
            let ordinal = ordinal(atMapPosition: position)
            if idBytes.bytes(idRange(ordinal)).elementsEqual(bytes) { return ordinal }
            position += 1
        }
        return nil
    }

    /// The hash at a place of the id map; hashes never fall from one place to the next.
    package func hash(atMapPosition position: Int) -> UInt64 {
        precondition(position >= 0 && position < rowCount)
        return idMap.integer(at: position * 8)
    }

    /// The row at a place of the id map.
    package func ordinal(atMapPosition position: Int) -> Int {
        precondition(position >= 0 && position < rowCount)
        return Int(idMap.integer(at: rowCount * 8 + position * 4, as: UInt32.self))
    }

    /// The first place whose hash is at least `hash`; the row count when there is none.
    package func mapPosition(firstHashAtLeast hash: UInt64) -> Int {
        var (low, high) = (0, rowCount)
        // Hashes are spread evenly: a guess and a few doublings find a short stretch to halve.
        if rowCount > 64 {
            let guess = Int(hash.multipliedFullWidth(by: UInt64(rowCount)).high)
            var step = 16
            if self.hash(atMapPosition: guess) < hash {
                low = guess + 1
                while guess + step < rowCount, self.hash(atMapPosition: guess + step) < hash {
                    low = guess + step + 1
                    step *= 2
                }
                high = min(rowCount, guess + step)
            } else {
                high = guess
                while guess - step >= 0, self.hash(atMapPosition: guess - step) >= hash {
                    high = guess - step
                    step *= 2
                }
                low = max(0, guess - step)
            }
        }
        while low < high {
            let middle = (low + high) / 2
            if self.hash(atMapPosition: middle) < hash {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }
}
