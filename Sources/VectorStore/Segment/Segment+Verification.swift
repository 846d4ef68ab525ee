package import StorageIO
import VectorMath

extension Segment {
    /// Checks the blocks that hold rows' vectors, each once in the life of the segment.
    @inline(__always)
    package func verifyVectors(ordinals: Range<Int>) throws(CorruptionError) {
        precondition(ordinals.lowerBound >= 0 && ordinals.upperBound <= rowCount)
        let stride = strideFloats * 4
        try file.verify(
            section: vectorSection,
            range: ordinals.lowerBound * stride..<ordinals.upperBound * stride
        )
    }

    /// Checks the blocks that hold one row's vector.
    @inline(__always)
    package func verifyVector(_ ordinal: Int) throws(CorruptionError) {
        try verifyVectors(ordinals: ordinal..<ordinal + 1)
    }

    /// Checks the blocks that hold one byte row.
    package func verifyByteRow(_ ordinal: Int) throws(CorruptionError) {
        precondition(ordinal >= 0 && ordinal < rowCount)
        guard let byteRows, let section = file.index(of: .byteRows) else { return }
        let width = byteRows.rotation.width
        let start = ByteRowLayout.rows + ordinal * width
        try file.verify(section: section, range: start..<start + width)
    }

    /// Reads every block, whatever was verified before, and what checksums do not show: that ids and
    /// their map agree and that payloads decode.
    ///
    /// - Parameter progress: Called with the share done; false ends the check early.
    /// - Returns: Everything that cannot be believed.
    package func verifyAll(progress: (Double) -> Bool = { _ in true }) -> [CorruptionError] {
        var errors: [CorruptionError] = []
        var done = 0
        let total = max(file.checksums.count / 4, 1)
        for (index, section) in file.sections.enumerated() {
            for block in 0..<Int(section.blockCount) {
                do throws(CorruptionError) {
                    try file.verifyBlock(file.firstBlocks[index] + block, section: index)
                } catch {
                    errors.append(error)
                }
                done += 1
                if done % 64 == 0, !progress(Double(done) / Double(total) * 0.8) { return errors }
            }
        }
        guard errors.isEmpty else { return errors }
        for ordinal in 0..<rowCount {
            do throws(CorruptionError) {
                try verifyRow(ordinal)
            } catch {
                errors.append(error)
            }
            if ordinal % 1_024 == 0,
                !progress(0.8 + 0.2 * Double(ordinal) / Double(max(rowCount, 1)))
            {
                return errors
            }
        }
        return errors
    }

    private func verifyRow(_ ordinal: Int) throws(CorruptionError) {
        let id = try id(at: ordinal)
        guard try self.ordinal(of: id) == ordinal else {
            throw idMap.invalid(
                "id map",
                found: "another row, or none, for the id of row \(ordinal)",
                expected: "row \(ordinal)"
            )
        }
        _ = try payload(at: ordinal)
        let vector = UnsafeRawBufferPointer(
            start: vectors + ordinal * strideFloats,
            count: strideFloats * 4
        )
        for position in dimension * 4..<vector.count where vector[position] != 0 {
            throw file.bytes(section: vectorSection).invalid(
                "padding of row \(ordinal)",
                found: "\(vector[position])",
                expected: "0",
                at: ordinal * strideFloats * 4 + position
            )
        }
    }

    // MARK: - At open

    /// Offsets rise, every id can be read and fills its bytes, and the map is one to one in order.
    func checkIDs() throws(CorruptionError) {
        var previous: UInt64 = idOffsets.integer(at: 0)
        guard previous == 0 else {
            throw idOffsets.invalid("first id offset", found: "\(previous)", expected: "0")
        }
        for row in 0..<rowCount {
            let end: UInt64 = idOffsets.integer(at: row * 8 + 8)
            guard end > previous, end <= UInt64(idBytes.count) else {
                throw idOffsets.invalid(
                    "id offset \(row + 1)",
                    found: "\(end)",
                    expected: "above \(previous), at most \(idBytes.count)",
                    at: row * 8 + 8
                )
            }
            try checkID(idBytes.bytes(Int(previous)..<Int(end)), at: Int(previous))
            previous = end
        }
        guard previous == UInt64(idBytes.count) else {
            throw idOffsets.invalid(
                "last id offset",
                found: "\(previous)",
                expected: "\(idBytes.count)"
            )
        }
        var seen = Bitmap(count: rowCount)
        var lastHash: UInt64 = 0
        for position in 0..<rowCount {
            let hash = hash(atMapPosition: position)
            let ordinal = ordinal(atMapPosition: position)
            guard hash >= lastHash, ordinal < rowCount, !seen.contains(ordinal) else {
                throw idMap.invalid(
                    "id map entry \(position)",
                    found: "hash \(hash), row \(ordinal)",
                    expected: "a hash of at least \(lastHash), each of \(rowCount) rows once",
                    at: position * 8
                )
            }
            seen.insert(ordinal)
            lastHash = hash
        }
    }

    /// The form of one id without reading its text.
    private func checkID(
        _ bytes: UnsafeRawBufferPointer,
        at position: Int
    ) throws(CorruptionError) {
        let isWhole =
            switch bytes[0] {
            case RecordIDTag.string: bytes.count > 2 && Int(bytes[1]) == bytes.count - 2
            case RecordIDTag.integer: bytes.count == 9
            case RecordIDTag.uuid: bytes.count == 17
            default: false
            }
        guard isWhole else {
            throw idBytes.invalid(
                "id",
                found: "tag \(bytes[0]) with \(bytes.count) bytes",
                expected: "a whole id",
                at: position
            )
        }
    }

    /// Every LSN lies in the range that the header and the manifest state.
    func checkLSNs() throws(CorruptionError) {
        for row in 0..<rowCount {
            let lsn = lsn(at: row)
            guard lsn >= max(description.lsnMin, 1), lsn <= description.lsnMax else {
                throw rowLSNs.invalid(
                    "LSN of row \(row)",
                    found: "\(lsn)",
                    expected: "\(description.lsnMin) to \(description.lsnMax)",
                    at: row * 8
                )
            }
        }
    }
}
