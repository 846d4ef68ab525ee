import VectorStore

/// How large an answer may be: a request of a few bytes must not take the server's memory.
enum AnswerSize {
    /// About this many bytes of JSON, 64 MiB.
    static let maximumByteCount = 64 << 20

    /// Refuses to write an answer of records that would be too large.
    static func check(_ records: [Record?]) throws {
        var total = 0
        for case let record? in records {
            total += 200 + 14 * record.vector.count + (record.payload?.count ?? 0)
            for case .string(let text) in record.attributes.values { total += text.utf8.count }
        }
        guard total > maximumByteCount else { return }
        throw Problem(
            status: 413,
            code: "answer_too_large",
            detail: "the answer would have about \(total) bytes; at most \(maximumByteCount) are "
                + "sent: ask for fewer records, or include less"
        )
    }
}
