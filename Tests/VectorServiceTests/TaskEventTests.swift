import Foundation
import Logging
import ServiceLifecycle
import Synchronization
import Testing

@testable import VectorService
@testable import VectorStore

@Suite struct `Events of a task` {
    /// Reads the events of a task to their end.
    private struct Reader: Service {
        let stream: BodyStream
        let text: @Sendable (String) -> Void

        func run() async throws {
            try await stream { text(String(decoding: $0, as: UTF8.self)) }
            // A service that ends by itself would end the others.
            try? await gracefulShutdown()
        }
    }

    @Test func `a stop ends the stream with an event that says so`() async throws {
        let tasks = MaintenanceTasks()
        let id = try tasks.start(kind: "compact", collection: "lectures") { progress in
            while progress(.init(phase: "writing", fraction: 0.5)) {
                try await Task.sleep(for: .milliseconds(5))
            }
            return nil
        }
        let events = Mutex("")
        let stream = try #require(try tasks.events(of: id).stream)
        let group = ServiceGroup(
            configuration: .init(
                services: [Reader(stream: stream) { text in events.withLock { $0 += text } }],
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            )
        )
        async let end: Void = group.run()
        let limit = ContinuousClock.now + .seconds(20)
        while events.withLock({ $0.isEmpty }), ContinuousClock.now < limit {
            try await Task.sleep(for: .milliseconds(5))
        }
        await group.triggerGracefulShutdown()
        try await end
        await tasks.stop()
        let text = events.withLock { $0 }
        #expect(text.hasPrefix("event: progress\ndata: {\"id\":\"\(id)\""), "\(text)")
        let last = text.components(separatedBy: "\n\n").dropLast().last ?? ""
        #expect(last.hasPrefix("event: stopping\ndata: {\"id\":\"\(id)\""), "\(text)")
    }
}
