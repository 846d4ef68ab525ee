import Foundation
import Logging
import VectorStore

@testable import VectorService

/// A service on a store of its own, without a socket.
struct ServiceFixture: Sendable {
    let service: StoreService
    let database: VectorDatabase
    private let threads: WorkerThreads
    private let directory: String

    init(_ surface: ServiceSurface = ServiceSurface()) async throws {
        directory = NSTemporaryDirectory() + "vs-service-" + UUID().uuidString
        database = try await VectorDatabase.open(at: directory)
        threads = WorkerThreads(threadCount: 2)
        service = StoreService(
            database: database,
            threads: threads,
            tasks: MaintenanceTasks(),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
            surface: surface
        )
    }

    /// Lets go of the store and removes it.
    func close() async throws {
        await threads.stop()
        try await database.close()
        try FileManager.default.removeItem(atPath: directory)
    }

    /// Sends JSON.
    func send(
        _ method: String,
        _ path: String,
        _ body: String = "",
        as principal: Principal = .service,
        parameters: [(name: String, value: String)] = [],
        headers: [(name: String, value: String)] = []
    ) async -> ServiceAnswer {
        var request = ServiceRequest(
            method: method,
            path: path,
            parameters: parameters,
            contentType: body.isEmpty ? nil : "application/json",
            body: Array(body.utf8)
        )
        request.headers = RequestHeaders(headers)
        request.principal = principal
        return await service.answer(request)
    }

    /// A user whose token names a creator.
    static func user(_ creator: String) -> Principal {
        let claims = "{\"app_metadata\":{\"creator_id\":\"\(creator)\"},\"sub\":\"u\"}"
        return Principal(
            role: .authenticated,
            claims: try? JSONScanner.parse(Array(claims.utf8), vectorKey: nil)
        )
    }
}

extension ServiceAnswer {
    /// The body as text.
    var text: String { String(decoding: body, as: UTF8.self) }

    /// The body as JSON.
    var json: JSONNode? { try? JSONScanner.parse(body, vectorKey: nil) }
}
