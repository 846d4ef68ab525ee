/// The posting lists that rows are in: one, or two where rows have a second list.
struct RowLists {
    /// Of each row.
    let first: [UInt32]
    /// Of each row, the first one again where it has no second; nil where no row has.
    let second: [UInt32]?

    /// The lists of a row.
    func lists(of row: Int) -> [Int] {
        let first = Int(first[row])
        guard let second, Int(second[row]) != first else { return [first] }
        return [first, Int(second[row])]
    }

    /// The rows of each list, those that are in it for the second time among them.
    func rowCounts(nlist: Int) -> [Int] {
        var counts = [Int](repeating: 0, count: nlist)
        for row in first.indices { for list in lists(of: row) { counts[list] += 1 } }
        return counts
    }
}
