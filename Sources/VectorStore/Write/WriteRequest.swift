import Synchronization

/// A checked change that waits for its group to be committed.
struct WriteRequest: Sendable {
    enum Work: Sendable {
        case upsert([StoredRow])
        case delete([RecordID])
        /// Resolved to ids when its turn comes: the log holds ids, never a predicate.
        case deleteMatching(FilterProgram?, partitions: [String]?)
        case update([CheckedPatch])
    }

    var collection: CollectionState
    var work: Work
    /// Names the write, if its caller may send it again.
    var id: WriteID?
    var byteCount: Int
    var completion: Completion

    /// Whether the change depends on everything before it having been applied.
    var needsCurrentState: Bool {
        switch work {
        case .upsert, .delete: false
        case .deleteMatching, .update: true
        }
    }

    /// Whether the store grows by it; deletes make room in the end.
    var grows: Bool {
        switch work {
        case .upsert, .update: true
        case .delete, .deleteMatching: false
        }
    }

    var operationCount: Int {
        switch work {
        case .upsert(let rows): rows.count
        case .delete(let ids): ids.count
        case .deleteMatching, .update: 1
        }
    }
}

/// Resumes the caller of one write, once.
final class Completion: Sendable {
    private let continuation: CheckedContinuation<Result<WriteReceipt, VectorStoreError>, Never>

    init(_ continuation: CheckedContinuation<Result<WriteReceipt, VectorStoreError>, Never>) {
        self.continuation = continuation
    }

    func finish(_ result: Result<WriteReceipt, VectorStoreError>) {
        continuation.resume(returning: result)
    }
}
