// How far an index has fallen behind the rows that are in it.
//
// The cost of an average search is reckoned in codes, as it is and as it would be after a rebuild:
//
// - Searches come like rows, so a list is visited in proportion to its size: nprobe lists hold
//   nprobe · Σ s² / Σ s rows of lists of s rows.
// - After a rebuild there are as many lists as the number of live rows asks for, none of their rows is
//   deleted, and their sizes differ as they do after training.

import VectorMath

/// Reckons what a rebuild would save.
struct IndexDrift {
    let live: LiveSet
    let liveRecall: LiveRecall

    /// nlist · Σ s² / (Σ s)² after training: 1.2 to 1.4 on WordNet, lectures and generated sets.
    static let trainedSpread = 1.3
    /// The search that stands for all.
    private static let (target, k) = (0.95, 10)

    /// The share by which a rebuild would shorten the average search, 0 to 1; nil without posting lists
    /// over the whole collection.
    var savings: Double? {
        guard let index = live.index, let place = index.globalTable else { return nil }
        let table = index.set.tables[place]
        var sizes = [Int](repeating: 0, count: table.nlist)
        var unlisted = live.memtables.reduce(0) { $0 + $1.rowCount }
        var segments = 0
        for view in live.segments {
            guard view.segment.indexGeneration == live.currentGeneration,
                let postings = view.segment.postings, postings.nlist == table.nlist
            else {
                unlisted += view.segment.rowCount
                continue
            }
            segments += 1
            for (list, count) in postings.listCounts.enumerated() { sizes[list] += count }
        }
        let listed = sizes.reduce(0, +)
        let rows = live.liveCount
        guard listed > 0, rows > 0 else { return nil }
        // The lists over all rows hold some rows twice.
        let copies = Double(listed) / Double(max(1, listedRows))
        let curve = table.calibration
        // Easy queries need fewer lists of a new index too; only hard ones are the index's fault.
        let asked = max(Self.target, liveRecall.target(Self.target, in: .unfiltered))
        let probes = Double(curve.nprobe(forTarget: asked, k: Self.k))
        let squares = sizes.reduce(0.0) { $0 + Double($1) * Double($1) }
        // A float32 row costs about as much as a code for each 16 coordinates.
        let rowCost = Double(max(1, live.configuration.dimension / 16))
        let rank = Double(table.nlist)
        let now =
            probes * squares / Double(listed) + Double(unlisted) * rowCost
            + rank * Double(max(1, segments))

        let nlist = Double(Rebuild.defaultNlist(rowCount: rows))
        let growth = (nlist / Double(table.nlist)).squareRoot()
        let trained = Double(curve.nprobe(forTarget: Self.target, k: Self.k)) * growth
        let spread = min(
            Self.trainedSpread,
            squares * Double(table.nlist) / (Double(listed) * Double(listed))
        )
        let after = trained * spread * Double(rows) * copies / nlist + nlist
        return max(0, 1 - after / now)
    }

    private var listedRows: Int {
        live.segments.reduce(0) {
            $1.segment.indexGeneration == live.currentGeneration && $1.segment.postings != nil
                ? $0 + $1.segment.rowCount : $0
        }
    }
}
