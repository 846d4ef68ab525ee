import Glibc
import StorageIO

/// One partition's rows of a segment; valid while the segment is referenced.
package struct PartitionEntry: @unchecked Sendable {
    // Safe to share: the list starts lie in the segment's read-only mapping.
    /// The partition; empty in a collection without partitions.
    package let name: String
    /// Its place in the directory.
    package let number: Int
    package let ordinals: Range<Int>
    /// The table of the index generation whose lists the rows are in.
    package let centroidTable: Int?
    /// Posting lists of that table; 0 without one.
    package let nlist: Int
    /// The number of its first list when all lists of the segment are counted.
    package let firstList: Int
    /// Where each list starts, and the end, from the first ordinal; nil without lists.
    let listStarts: UnsafePointer<UInt32>?

    /// The rows of a posting list.
    ///
    /// - Precondition: `index` is below `nlist`.
    package func list(_ index: Int) -> Range<Int> {
        guard let listStarts, index >= 0, index < nlist else {
            preconditionFailure("list \(index) of \(nlist)")
        }
        let first = ordinals.lowerBound + Int(UInt32(littleEndian: listStarts[index]))
        let end = ordinals.lowerBound + Int(UInt32(littleEndian: listStarts[index + 1]))
        // Checked at open; a page that was lost since reads as zeros, and must not trap.
        return first..<max(first, end)
    }
}

/// The partitions of a segment in the order of their keys' UTF-8 bytes.
struct PartitionDirectory: Sendable {
    let entries: [PartitionEntry]

    /// The bytes of the directory of a plan.
    static func encode(_ plan: SegmentPlan) -> [UInt8] {
        typealias Layout = PartitionDirectoryLayout
        var (directory, keys) = (ByteWriter(), ByteWriter())
        var listOffset: UInt64 = 0
        directory.write(UInt64(plan.partitions.count))
        for partition in plan.partitions {
            let nlist = partition.listCounts?.count ?? 0
            directory.write(UInt64(keys.count))
            directory.write(UInt32(partition.key.utf8.count))
            directory.write(partition.centroidTable.map { UInt32($0) } ?? SegmentLayout.none)
            directory.write(UInt64(partition.rows.lowerBound))
            directory.write(UInt64(partition.rows.count))
            directory.write(listOffset)
            directory.write(UInt32(nlist))
            directory.write(UInt32(0))
            keys.write(raw: Array(partition.key.utf8))
            if nlist > 0 { listOffset += UInt64(nlist) + 1 }
        }
        directory.write(raw: keys.bytes)
        return directory.bytes
    }

    /// Reads a directory and checks it: rising keys, rows without gaps, lists that add up.
    init(
        _ bytes: SegmentBytes,
        lists: SegmentBytes,
        rowCount: Int,
        partitionCount: UInt64
    ) throws(CorruptionError) {
        typealias Layout = PartitionDirectoryLayout
        var reader = bytes.reader()
        let count: UInt64 = try reader.read()
        let entriesEnd = count.saturatingMultiplied(by: UInt64(Layout.entryByteCount))
        guard count == partitionCount, entriesEnd <= UInt64(reader.remaining) else {
            throw bytes.invalid(
                "partition count",
                found: "\(count)",
                expected: "\(partitionCount), within \(bytes.count) bytes"
            )
        }
        let keysStart = Layout.entries + Int(entriesEnd)
        var entries: [PartitionEntry] = []
        entries.reserveCapacity(Int(count))
        var (nextKey, nextOrdinal, nextList) = (UInt64(0), UInt64(0), UInt64(0))
        var listNumber = 0
        var previous: UnsafeRawBufferPointer?
        for index in 0..<Int(count) {
            let place = Layout.entries + index * Layout.entryByteCount
            let keyCount: UInt32 = bytes.integer(at: place + Layout.keyByteCount)
            let table: UInt32 = bytes.integer(at: place + Layout.centroidTable)
            let rows: UInt64 = bytes.integer(at: place + Layout.rowCount)
            let nlist: UInt32 = bytes.integer(at: place + Layout.nlist)
            let listCount = nlist == 0 ? 0 : UInt64(nlist) + 1
            guard bytes.integer(at: place + Layout.keyOffset) == nextKey,
                nextKey + UInt64(keyCount) <= UInt64(bytes.count - keysStart),
                bytes.integer(at: place + Layout.firstOrdinal) == nextOrdinal,
                rows <= UInt64(rowCount) - nextOrdinal,
                bytes.integer(at: place + Layout.listOffset) == nextList,
                nextList + listCount <= UInt64(lists.count / 4),
                (table == SegmentLayout.none) == (nlist == 0),
                bytes.integer(at: place + Layout.nlist + 4, as: UInt32.self) == 0
            else {
                throw bytes.invalid(
                    "partition entry \(index)",
                    found: "a key, rows or lists out of place",
                    expected: "key \(nextKey), row \(nextOrdinal), list \(nextList)",
                    at: place
                )
            }
            let keyStart = keysStart + Int(nextKey)
            let key = bytes.bytes(keyStart..<keyStart + Int(keyCount))
            guard let name = String(validating: key, as: UTF8.self),
                previous.map({ compareBytes($0, key) < 0 }) ?? true
            else {
                throw bytes.invalid(
                    "partition key \(index)",
                    found: "bytes that do not rise or are not UTF-8",
                    expected: "UTF-8 in rising order",
                    at: keyStart
                )
            }
            let starts = nlist == 0 ? nil : lists.integers(at: Int(nextList) * 4, as: UInt32.self)
            if let starts {
                try Self.check(starts, nlist: Int(nlist), rows: rows, of: lists)
            }
            entries.append(
                PartitionEntry(
                    name: name,
                    number: index,
                    ordinals: Int(nextOrdinal)..<Int(nextOrdinal + rows),
                    centroidTable: nlist == 0 ? nil : Int(table),
                    nlist: Int(nlist),
                    firstList: listNumber,
                    listStarts: starts
                )
            )
            previous = key
            nextKey += UInt64(keyCount)
            nextOrdinal += rows
            nextList += listCount
            listNumber += Int(nlist)
        }
        guard nextOrdinal == UInt64(rowCount), nextKey == UInt64(bytes.count - keysStart),
            nextList.saturatingMultiplied(by: 4) == UInt64(lists.count)
        else {
            throw bytes.invalid(
                "partition directory",
                found: "\(nextOrdinal) rows",
                expected: "\(rowCount) rows, and keys and lists that end with their sections"
            )
        }
        self.entries = entries
    }

    /// Starts begin at 0, never fall and end at the count of rows.
    static func check(
        _ starts: UnsafePointer<UInt32>,
        nlist: Int,
        rows: UInt64,
        of bytes: SegmentBytes
    ) throws(CorruptionError) {
        var previous: UInt32 = 0
        for index in 0...nlist {
            let start = UInt32(littleEndian: starts[index])
            guard start >= previous, index > 0 || start == 0 else {
                throw bytes.invalid(
                    "start of list \(index)",
                    found: "\(start)",
                    expected: "at least \(previous)"
                )
            }
            previous = start
        }
        guard UInt64(previous) == rows else {
            throw bytes.invalid(
                "rows of \(nlist) lists",
                found: "\(previous)",
                expected: "\(rows)"
            )
        }
    }

    func entry(named name: String) -> PartitionEntry? {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            let candidate = entries[middle].name
            if candidate.utf8.elementsEqual(name.utf8) { return entries[middle] }
            if candidate.utf8.lexicographicallyPrecedes(name.utf8) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return nil
    }

    /// The partition that a row lies in.
    func entry(ofOrdinal ordinal: Int) -> PartitionEntry {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].ordinals.upperBound <= ordinal {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return entries[low]
    }
}

/// Posting lists of the whole collection: ordinals grouped by list; valid while the segment is.
package struct GlobalLists: @unchecked Sendable {
    // Safe to share: both pointers lie in the segment's read-only mapping.
    package let nlist: Int
    private let starts: UnsafePointer<UInt32>
    private let ordinals: UnsafePointer<UInt32>

    /// Reads the section and checks that its lists name every row once.
    init(_ bytes: SegmentBytes, rowCount: Int) throws(CorruptionError) {
        guard bytes.count >= GlobalListsLayout.starts else {
            throw bytes.invalid("global lists", found: "\(bytes.count) bytes", expected: "a count")
        }
        let nlist: UInt32 = bytes.integer(at: GlobalListsLayout.nlist)
        try bytes.requireByteCount(4 * (UInt64(nlist) + 2 + UInt64(rowCount)))
        guard nlist > 0 else {
            throw bytes.invalid("nlist", found: "0", expected: "at least 1")
        }
        self.nlist = Int(nlist)
        starts = bytes.integers(at: GlobalListsLayout.starts, as: UInt32.self)
        ordinals = starts + Int(nlist) + 1
        try PartitionDirectory.check(
            starts,
            nlist: self.nlist,
            rows: UInt64(rowCount),
            of: bytes
        )
        var seen = Bitmap(count: rowCount)
        for position in 0..<rowCount {
            let ordinal = Int(UInt32(littleEndian: ordinals[position]))
            guard ordinal < rowCount, !seen.contains(ordinal) else {
                throw bytes.invalid(
                    "ordinal in global lists",
                    found: "\(ordinal)",
                    expected: "each of \(rowCount) rows once"
                )
            }
            seen.insert(ordinal)
        }
    }

    /// The rows of a posting list, in rising order as written.
    ///
    /// - Precondition: `list` is below `nlist`.
    package func ordinals(of list: Int) -> UnsafeBufferPointer<UInt32> {
        precondition(list >= 0 && list < nlist, "list of the index")
        let first = Int(UInt32(littleEndian: starts[list]))
        return UnsafeBufferPointer(
            start: ordinals + first,
            count: max(0, Int(UInt32(littleEndian: starts[list + 1])) - first)
        )
    }
}

/// Below 0, 0 or above 0 as the first bytes come before, equal or come after the second.
func compareBytes(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
    if let first = left.baseAddress, let second = right.baseAddress {
        let order = memcmp(first, second, min(left.count, right.count))
        if order != 0 { return Int(order) }
    }
    return left.count - right.count
}
