import Logging
import VectorService
import VectorStore

/// Opens the directory and answers requests in this process, by the same code as the server.
struct LocalStoreClient: StoreClient {
    private let database: VectorDatabase
    private let service: StoreService
    private let threads: WorkerThreads
    private let tasks: MaintenanceTasks

    /// Opens a store.
    init(path: String, createIfMissing: Bool) async throws {
        database = try await Self.open(path, createIfMissing: createIfMissing)
        threads = WorkerThreads(threadCount: 2)
        tasks = MaintenanceTasks()
        service = StoreService(
            database: database,
            threads: threads,
            tasks: tasks,
            logger: Logger(label: "vector-server") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    private static func open(_ path: String, createIfMissing: Bool) async throws -> VectorDatabase {
        var options = StoreOptions()
        options.createIfMissing = createIfMissing
        do {
            return try await VectorDatabase.open(at: path, options: options)
        } catch {
            guard error.code == .storeLocked else { throw error }
            throw CommandFailure.notReady(
                "another process has \(path) open; if it is a server on another socket, name it "
                    + "with --socket"
            )
        }
    }

    func answer(_ request: ServiceRequest) async throws -> ServiceAnswer {
        await service.answer(request)
    }

    func close() async throws {
        await tasks.stop()
        await threads.stop()
        try await database.close()
    }
}
