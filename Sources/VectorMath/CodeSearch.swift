import CVectorKernels

/// The byte rows of a segment in memory.
package struct ByteRowTable: @unchecked Sendable {
    // Safe to share: the bytes are constant while their segment is referenced.
    package var start: UnsafePointer<UInt8>
    package var count: Int
    /// Of the rows: the length that the bytes leave out of a row at the most.
    package var largestError: Float
    /// One atomic bit a block of 64 KiB that matches its checksum; nil when all do.
    package var verified: UnsafeRawPointer?
    /// Where the first row lies in the first block.
    package var offset: Int

    package init(
        start: UnsafePointer<UInt8>,
        count: Int,
        largestError: Float,
        verified: UnsafeRawPointer?,
        offset: Int
    ) {
        self.start = start
        self.count = count
        self.largestError = largestError
        self.verified = verified
        self.offset = offset
    }
}

/// Posting lists over the rows of one segment, in memory.
package struct CodedLists: @unchecked Sendable {
    // Safe to share: as above.
    /// Blocks of all lists, list by list.
    package var blocks: UnsafePointer<UInt8>
    /// The first block of each list, and the end.
    package var blockStarts: UnsafePointer<UInt32>
    /// The first place of each list, and the end; a place is a row's turn in its list.
    package var starts: UnsafePointer<UInt32>
    /// The row at each place; nil when place *p* is row `firstRow` + *p*.
    package var ordinals: UnsafePointer<UInt32>?
    package var firstRow: Int
    /// Whether a row may be in two lists.
    package var hasDuplicates: Bool

    package init(
        blocks: UnsafePointer<UInt8>,
        blockStarts: UnsafePointer<UInt32>,
        starts: UnsafePointer<UInt32>,
        ordinals: UnsafePointer<UInt32>?,
        firstRow: Int,
        hasDuplicates: Bool
    ) {
        self.blocks = blocks
        self.blockStarts = blockStarts
        self.starts = starts
        self.ordinals = ordinals
        self.firstRow = firstRow
        self.hasDuplicates = hasDuplicates
    }
}

/// What a search of codes looks for.
package struct CodeSearchOptions {
    /// How many rows are wanted.
    package var k: Int
    /// Standard deviations by which a code's estimate may be too low.
    package var deviations: Float
    /// Standard deviations by which a byte row's similarity may be too low.
    package var byteDeviations: Float = 3
    /// The least similarity that counts.
    package var floor: Float
    /// So many lists in a row that changed none of the k best end the search; nil for never.
    package var patience: Int?
    /// When the search ends at the latest, by `MonotonicTime`; nil for never.
    package var deadline: MonotonicTime?

    package init(
        k: Int,
        deviations: Float,
        floor: Float,
        patience: Int? = nil,
        deadline: MonotonicTime? = nil
    ) {
        self.k = k
        self.deviations = deviations
        self.floor = floor
        self.patience = patience
        self.deadline = deadline
    }
}

/// Rows that are to be compared exactly, and what was done to find them.
package struct CodeCandidates {
    /// In no order; valid until the thread's next search.
    package var rows: UnsafeBufferPointer<UInt32>
    package var lists: Int
    package var blocks: Int
    package var codes: Int
    package var byteRows: Int
    /// Whether the deadline came before every row was looked at.
    package var isTruncated: Bool
    /// Whether a byte row could not be believed: the rows say nothing.
    package var isFailed: Bool
}

/// What a search asks about rows: whether they count, and whether their bytes can be believed.
package struct CodeSearchHooks {
    package var accepts: ((UInt32) -> Bool)?
    package var verifies: (UInt32) -> Bool

    package init(accepts: ((UInt32) -> Bool)?, verifies: @escaping (UInt32) -> Bool) {
        self.accepts = accepts
        self.verifies = verifies
    }
}

extension CodeQuery {
    /// Scans the lists of a ranking.
    ///
    /// - Precondition: the ranking's lists are lists of `lists`, whose rows are in `rows`.
    package func search(
        _ lists: CodedLists,
        rows: ByteRowTable,
        ranking: Ranking,
        options: CodeSearchOptions,
        hooks: CodeSearchHooks,
        tier: Kernels.Tier = Kernels.tier
    ) -> CodeCandidates {
        run(options, rows: rows, hooks: hooks) { query, options, result in
            var raw = vk_lists(
                blocks: lists.blocks,
                block_starts: lists.blockStarts,
                starts: lists.starts,
                ordinals: lists.ordinals,
                first_row: UInt32(lists.firstRow),
                has_duplicates: lists.hasDuplicates ? 1 : 0,
                rows: Self.raw(rows)
            )
            vk_search_lists_tier(
                tier.raw,
                scratch,
                &query,
                &raw,
                ranking.lists,
                ranking.count,
                &options,
                &result
            )
        }
    }

    /// Scans one list whose centroid is `similarity` like the query and `distance` away from it.
    package func search(
        _ lists: CodedLists,
        rows: ByteRowTable,
        similarity: Float,
        distance: Float,
        options: CodeSearchOptions,
        hooks: CodeSearchHooks
    ) -> CodeCandidates {
        var only = vk_ranked(list: 0, similarity: similarity, distance: distance)
        return withUnsafePointer(to: &only) {
            search(
                lists,
                rows: rows,
                ranking: Ranking(lists: $0, count: 1),
                options: options,
                hooks: hooks
            )
        }
    }

    /// Compares a range of rows by their bytes.
    package func search(
        rows: ByteRowTable,
        ordinals: Range<Int>,
        options: CodeSearchOptions,
        hooks: CodeSearchHooks
    ) -> CodeCandidates {
        precondition(ordinals.lowerBound >= 0 && ordinals.upperBound <= rows.count)
        return run(options, rows: rows, hooks: hooks) { query, options, result in
            var raw = Self.raw(rows)
            vk_search_bytes(
                scratch,
                &query,
                &raw,
                nil,
                UInt32(ordinals.lowerBound),
                ordinals.count,
                &options,
                &result
            )
        }
    }

    /// Compares some rows by their bytes.
    ///
    /// - Precondition: they are rows of the table.
    package func search(
        rows: ByteRowTable,
        ordinals: UnsafeBufferPointer<UInt32>,
        options: CodeSearchOptions,
        hooks: CodeSearchHooks
    ) -> CodeCandidates {
        run(options, rows: rows, hooks: hooks) { query, options, result in
            var raw = Self.raw(rows)
            vk_search_bytes(
                scratch,
                &query,
                &raw,
                ordinals.baseAddress,
                0,
                ordinals.count,
                &options,
                &result
            )
        }
    }

    /// The dot product of the query with a rotated vector of its width.
    package func dot(_ rotated: UnsafePointer<Float>) -> (product: Float, length: Float) {
        // A width is a multiple of 64.
        var (products, squares) = (SIMD16<Float>.zero, SIMD16<Float>.zero)
        for column in stride(from: 0, to: raw.width, by: 16) {
            let left = UnsafeRawPointer(raw.rotated + column).loadUnaligned(as: SIMD16<Float>.self)
            let right = UnsafeRawPointer(rotated + column).loadUnaligned(as: SIMD16<Float>.self)
            products += left * right
            squares += right * right
        }
        return (products.sum(), squares.sum().squareRoot())
    }

    private static func raw(_ rows: ByteRowTable) -> vk_byte_rows {
        vk_byte_rows(
            rows: rows.start,
            count: rows.count,
            verified: rows.verified?.assumingMemoryBound(to: UInt64.self),
            offset: rows.offset,
            verify: { context, row in
                guard let context else { return 0 }
                let hooks = context.assumingMemoryBound(to: CodeSearchHooks.self)
                return hooks.pointee.verifies(row) ? 1 : 0
            }
        )
    }

    private func run(
        _ options: CodeSearchOptions,
        rows: ByteRowTable,
        hooks: CodeSearchHooks,
        _ body: (inout vk_query, inout vk_search_options, inout vk_search_result) -> Void
    ) -> CodeCandidates {
        var hooks = hooks
        var result = vk_search_result()
        // Of a row and of the query, independent of each other; each is spread over all coordinates.
        let error = rows.largestError * rows.largestError + raw.byte_error * raw.byte_error
        withUnsafeMutablePointer(to: &hooks) { context in
            var raw = vk_search_options(
                k: options.k,
                deviations: options.deviations,
                margin: options.byteDeviations * (error / Float(self.raw.width)).squareRoot(),
                floor: options.floor,
                patience: options.patience ?? .max,
                deadline: options.deadline?.nanoseconds ?? 0,
                accept: nil,
                context: UnsafeMutableRawPointer(context)
            )
            if context.pointee.accepts != nil {
                raw.accept = { context, row in
                    guard let context else { return 0 }
                    let hooks = context.assumingMemoryBound(to: CodeSearchHooks.self)
                    return hooks.pointee.accepts?(row) ?? true ? 1 : 0
                }
            }
            var query = self.raw
            body(&query, &raw, &result)
        }
        return CodeCandidates(
            rows: UnsafeBufferPointer(start: result.rows, count: result.count),
            lists: result.lists,
            blocks: result.blocks,
            codes: result.codes,
            byteRows: result.byte_rows,
            isTruncated: result.truncated != 0,
            isFailed: result.failed != 0
        )
    }
}
