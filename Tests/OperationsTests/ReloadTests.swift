import Foundation
import Testing

@Suite(.serialized) struct `A configuration read again` {
    private static func settings(_ limits: String, function: String, extra: String = "") -> String {
        """
        limits: {\(limits)}
        functions:
          \(function):
            collection: lectures
            args:
              query_embedding: {role: vector}
              match_count: {role: limit, default: 5}
            returns: [id]
            row_policy: everybody
        \(extra)
        """
    }

    private static let arguments = #"{"query_embedding":[1,0,0]}"#

    /// Writes the file, sends SIGHUP and waits until the log says what became of it.
    private static func reload(_ server: ServerProcess, _ text: String, until line: String) throws {
        let file = server.directory + "/vs.yaml"
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        let before = server.log.components(separatedBy: line).count
        kill(server.pid, SIGHUP)
        let end = ContinuousClock.now + .seconds(20)
        while server.log.components(separatedBy: line).count == before, ContinuousClock.now < end {
            Thread.sleep(forTimeInterval: 0.01)
        }
        try #require(server.log.components(separatedBy: line).count > before, "\(server.log)")
    }

    @Test func `SIGHUP takes what can change, names the rest, and keeps connections`() throws {
        let server = try ServerProcess(
            in: try ServerProcess.makeDirectory(),
            settings: Self.settings("idle_timeout: 60s", function: "old_name")
        )
        try server.fill(count: 20)
        let connection = try HTTPConnection(server.socket)
        let (old, new) = ("/rest/v1/rpc/old_name", "/rest/v1/rpc/new_name")
        #expect(try connection.send("POST", old, Self.arguments).status == 200)
        #expect(try connection.send("POST", new, Self.arguments).status == 404)
        try Self.reload(
            server,
            Self.settings(
                "idle_timeout: 60s, queue_length: 7, search_threads: 3",
                function: "new_name",
                extra: "log: {level: debug}"
            ),
            until: "these changes need a restart"
        )
        #expect(server.log.contains("limits.search_threads"))
        #expect(!server.log.contains("settings=limits.queue_length"))
        #expect(server.log.contains("changed=log.level, limits.queue_length, functions"))
        // The same connection finds the new function and no longer the old one.
        #expect(try connection.send("POST", new, Self.arguments).status == 200)
        #expect(try connection.send("POST", old, Self.arguments).status == 404)
        #expect(server.log.contains(" debug "), "the level changed too")
        #expect(server.stop().code == 0)
    }

    @Test func `a configuration that could not be started with changes nothing`() throws {
        let server = try ServerProcess(
            in: try ServerProcess.makeDirectory(),
            settings: Self.settings("idle_timeout: 60s", function: "old_name")
        )
        try server.fill(count: 20)
        try Self.reload(
            server,
            Self.settings("idle_timeot: 60s", function: "new_name"),
            until: "the old one stays in force"
        )
        #expect(server.log.contains("idle_timeout?"), "the log says what is wrong")
        let connection = try HTTPConnection(server.socket)
        let answer = try connection.send("POST", "/rest/v1/rpc/old_name", Self.arguments)
        #expect(answer.status == 200)
        #expect(server.stop().code == 0)
    }

    @Test func `an edit of which half would wait for a restart changes nothing`() throws {
        // Nobody answers there, which searches do not need.
        let postgres = "postgres: {url: \"postgresql://nobody@127.0.0.1:1/none\"}"
        let server = try ServerProcess(
            in: try ServerProcess.makeDirectory(),
            settings: Self.settings("queue_length: 7", function: "old_name", extra: postgres)
        )
        try server.fill(count: 20)
        let column = "{name: title, type: text, from: postgres.title}"
        let table = "metadata: {collections: {lectures: {table: lectures, columns: [title]}}}"
        let text = Self.settings(
            "queue_length: 8",
            function: "new_name",
            extra: postgres + "\n" + table
        )
        try Self.reload(
            server,
            text.replacing("returns: [id]", with: "returns: [id, \(column)]"),
            until: "the old one stays in force"
        )
        #expect(server.log.contains("functions.new_name.returns"), "\(server.log)")
        try Self.reload(
            server,
            Self.settings(
                "queue_length: 8",
                function: "new_name",
                extra: postgres + "\naccess: {socket_mode: \"0660\"}"
            ),
            until: "the old one stays in force"
        )
        #expect(server.log.contains("changed together with functions"), "\(server.log)")
        let connection = try HTTPConnection(server.socket)
        for (name, status) in [("old_name", 200), ("new_name", 404)] {
            let answer = try connection.send("POST", "/rest/v1/rpc/\(name)", Self.arguments)
            #expect(answer.status == status, "\(name): \(answer.text)")
        }
        #expect(!server.log.contains("limits.queue_length"))
        // The table alone is taken note of, and waits.
        try Self.reload(
            server,
            Self.settings(
                "queue_length: 7",
                function: "old_name",
                extra: postgres + "\n" + table
            ),
            until: "these changes need a restart"
        )
        #expect(server.stop().code == 0)
    }

    @Test func `limits that were read again hold for connections that come later`() throws {
        let server = try ServerProcess(in: try ServerProcess.makeDirectory(), settings: "")
        try Self.reload(
            server,
            "limits: {idle_timeout: 200ms}",
            until: "changed=limits.idle_timeout"
        )
        #expect(try HTTPConnection(server.socket).isClosed(within: 20))
    }
}

@Suite(.serialized) struct `Tasks told as they go` {
    @Test func `the events of a task end with its end`() throws {
        let server = try ServerProcess(in: try ServerProcess.makeDirectory())
        try server.fill(count: 2_000)
        let connection = try HTTPConnection(server.socket)
        let begun = try connection.send("POST", "/v1/collections/lectures/compact")
        #expect(begun.status == 202)
        let task = try #require(try begun.json()["task"] as? String)
        let events = try HTTPConnection(server.socket)
        let text = try events.everything(
            "GET /v1/tasks/\(task)/events HTTP/1.1\r\nhost: l\r\nconnection: close\r\n\r\n"
        )
        #expect(text.hasPrefix("HTTP/1.1 200") && text.lowercased().contains("text/event-stream"))
        #expect(text.contains("event: done\ndata: {\"id\":\"\(task)\""), "\(text)")
        #expect(try connection.get("/v1/tasks/none/events").status == 404)
        #expect(try connection.send("POST", "/v1/tasks/\(task)/events").status == 405)
    }
}

extension HTTPConnection {
    /// Sends a request and reads until the other side closes.
    func everything(_ request: String) throws -> String {
        try write(request)
        var received: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count < 0 { throw Failure.timeout }
            if count == 0 { return String(decoding: received, as: UTF8.self) }
            received += chunk[..<count]
        }
    }
}
