import VectorService

/// A way to ask a store something: through its server, or by opening it.
///
/// Commands are written against this and do not know which it is.
protocol StoreClient: Sendable {
    /// Answers a request, whatever its outcome.
    func answer(_ request: ServiceRequest) async throws -> ServiceAnswer

    /// Lets go of the store.
    func close() async throws
}

extension StoreClient {
    /// Sends a request and returns the body of its answer; an answer that is a problem is thrown.
    func send(
        _ method: String,
        _ path: String,
        body: [UInt8] = [],
        contentType: String? = nil
    ) async throws -> [UInt8] {
        let answer = try await answer(
            ServiceRequest(
                method: method,
                path: path,
                contentType: contentType ?? (body.isEmpty ? nil : "application/json"),
                body: body
            )
        )
        if let problem = answer.problem { throw problem }
        return answer.body
    }

    /// Sends a request and reads the body of its answer.
    func json(_ method: String, _ path: String, body: [UInt8] = []) async throws -> JSONNode {
        try JSONScanner.parse(try await send(method, path, body: body), vectorKey: nil)
    }

    /// Waits for a maintenance task and shows how far it is.
    func wait(forTask id: String, label: String) async throws -> (text: [UInt8], task: JSONNode) {
        var progress = ProgressDisplay(label)
        var text = try await send("GET", "/v1/tasks/\(id)")
        var task = try JSONScanner.parse(text, vectorKey: nil)
        while task["state"]?.text == "running" {
            progress.update(
                fraction: task["fraction"]?.number ?? 0,
                detail: task["phase"]?.text ?? ""
            )
            try await Task.sleep(for: .milliseconds(50))
            text = try await send("GET", "/v1/tasks/\(id)")
            task = try JSONScanner.parse(text, vectorKey: nil)
        }
        guard task["state"]?.text == "done" else {
            progress.interrupt()
            throw CommandFailure(
                message: task["error"]?["detail"]?.text ?? "the task was not completed"
            )
        }
        progress.finish("done")
        return (text, task)
    }
}
