import ServiceLifecycle

extension MaintenanceTasks {
    /// How often a task is looked at.
    private static let interval = Duration.milliseconds(100)
    /// After so many looks without news, a comment shows that the connection lives.
    private static let quietLookCount = 150

    /// How a task goes on, as server-sent events until it ends.
    ///
    /// The first event says how it stands, so a client that connects again has missed nothing.
    ///
    /// - Source: HTML standard, section 9.2 (Server-sent events).
    func events(of id: String) throws(Problem) -> ServiceAnswer {
        guard entry(id) != nil else { throw .unknownTask }
        var answer = ServiceAnswer(body: [])
        answer.contentType = "text/event-stream"
        answer.headers.append(("Cache-Control", "no-store"))
        answer.stream = { write in try await self.follow(id, write) }
        return answer
    }

    private func follow(
        _ id: String,
        _ write: ([UInt8]) async throws -> Void
    ) async throws {
        var last: [UInt8] = []
        var quietLooks = 0
        while let entry = entry(id) {
            let data = entry.encoded()
            let isOver = entry.state != "running"
            quietLooks += 1
            if data != last {
                let name = isOver ? entry.state : "progress"
                try await write(Array("event: \(name)\ndata: ".utf8) + data + Array("\n\n".utf8))
                (last, quietLooks) = (data, 0)
            } else if quietLooks == Self.quietLookCount {
                try await write(Array(": \n\n".utf8))
                quietLooks = 0
            }
            if isOver { return }
            // A stream must not hold up the end of the server; the client may connect to the next one.
            if Task.isShuttingDownGracefully {
                return try await write(
                    Array("event: stopping\ndata: ".utf8) + data + Array("\n\n".utf8)
                )
            }
            try await Task.sleep(for: Self.interval)
        }
    }
}

extension Problem {
    /// A task that is not remembered.
    static let unknownTask = Problem(
        status: 404,
        code: "unknown_task",
        detail: "no task has this id"
    )
}
