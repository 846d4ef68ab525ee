import Synchronization
import VectorStore

/// Maintenance that runs in the background and can be asked about.
///
/// The newest hundred tasks are remembered, for as long as the process lives.
package final class MaintenanceTasks: Sendable {
    struct Entry: Sendable {
        var id: String
        var kind: String
        var collection: String
        var state = "running"
        var phase = ""
        var fraction = 0.0
        var report: RebuildReport?
        var problem: Problem?
    }

    private struct State {
        var entries: [Entry] = []
        var handles: [String: Task<Void, Never>] = [:]
        var lastNumber = 0
        var isStopping = false
    }

    private static let rememberedCount = 100
    private let state = Mutex(State())

    /// Makes an empty list.
    package init() {}

    /// Starts a task and returns its id.
    ///
    /// - Parameter work: What is done; it reports progress and stops when that returns false.
    func start(
        kind: String,
        collection: String,
        work:
            @escaping @Sendable (
                @escaping @Sendable (MaintenanceProgress) -> Bool
            ) async throws -> RebuildReport?
    ) throws(Problem) -> String {
        try state.withLock { (state) throws(Problem) in
            guard !state.isStopping else {
                throw Problem(status: 503, code: "closed", detail: "the server is stopping")
            }
            let isBusy = state.entries.contains {
                $0.collection == collection && $0.state == "running"
            }
            guard !isBusy else {
                throw Problem(
                    status: 409,
                    code: "busy",
                    detail: "maintenance of \(collection) is running already; wait for it"
                )
            }
            state.lastNumber += 1
            let id = String(state.lastNumber)
            state.entries.append(Entry(id: id, kind: kind, collection: collection))
            if state.entries.count > Self.rememberedCount,
                let oldest = state.entries.firstIndex(where: { $0.state != "running" })
            {
                state.entries.remove(at: oldest)
            }
            state.handles[id] = Task { await self.run(id: id, work: work) }
            return id
        }
    }

    private func run(
        id: String,
        work:
            @Sendable (@escaping @Sendable (MaintenanceProgress) -> Bool) async throws ->
            RebuildReport?
    ) async {
        do {
            let report = try await work { progress in
                self.change(id) {
                    $0.phase = progress.phase
                    $0.fraction = progress.fraction
                }
                return !self.state.withLock { $0.isStopping }
            }
            change(id) {
                $0.state = "done"
                $0.fraction = 1
                $0.report = report
            }
        } catch {
            let problem = Problem(error)
            change(id) {
                $0.state = problem.code == "cancelled" ? "cancelled" : "failed"
                $0.problem = problem
            }
        }
        state.withLock { _ = $0.handles.removeValue(forKey: id) }
    }

    private func change(_ id: String, _ body: (inout Entry) -> Void) {
        state.withLock { state in
            guard let index = state.entries.firstIndex(where: { $0.id == id }) else { return }
            body(&state.entries[index])
        }
    }

    func entry(_ id: String) -> Entry? {
        state.withLock { state in state.entries.first { $0.id == id } }
    }

    /// Asks running tasks to stop and waits for them; later starts are refused.
    package func stop() async {
        let handles = state.withLock { state in
            state.isStopping = true
            return Array(state.handles.values)
        }
        for handle in handles { await handle.value }
    }
}

extension MaintenanceTasks.Entry {
    func encoded() -> [UInt8] {
        JSONWriter.text { writer in
            writer.member("id", id)
            writer.member("kind", kind)
            writer.member("collection", collection)
            writer.member("state", state)
            if !phase.isEmpty { writer.member("phase", phase) }
            writer.member("fraction", fraction)
            if let report {
                writer.key("report")
                StatisticsEncoding.write(report, to: &writer)
            }
            if let problem {
                writer.key("error")
                writer.object { writer in
                    writer.member("code", problem.code)
                    writer.member("detail", problem.detail)
                }
            }
        }
    }
}
