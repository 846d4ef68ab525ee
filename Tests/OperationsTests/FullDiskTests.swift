import Foundation
import Testing

/// A server whose disk fills up under it.
@Suite(.enabled(if: ServerProcess.canHaveOwnDisk, "no namespaces here"))
struct `A server on a full disk` {
    /// Takes all the space there is.
    private func fill(_ path: String) throws {
        let descriptor = open(path, O_CREAT | O_WRONLY, 0o600)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        let block = [UInt8](repeating: 1, count: 65_536)
        var byteCount = block.count
        while byteCount > 0 {
            if write(descriptor, block, byteCount) < 0 {
                try #require(errno == ENOSPC)
                byteCount /= 2
            }
        }
    }

    private static let records = "/v1/collections/lectures/records"
    private static let record =
        #"{"records":[{"id":"new","vector":[1,0,0],"partition":"ada","attributes":{"video_id":"v"}}]}"#

    @Test func `answers writes with 507 and the rest as ever, and goes on when there is room`()
        throws
    {
        let server = try ServerProcess(in: ServerProcess.makeDirectory(), diskMegabytes: 16)
        try server.fill(count: 100)
        let filler = server.data + "/filler"
        try fill(filler)
        let connection = try HTTPConnection(server.socket)
        let key = [
            "content-type: application/json",
            "idempotency-key: \"9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d\"",
        ]
        for _ in 0..<3 {
            let answer = try connection.send("POST", Self.records, Self.record, headers: key)
            #expect(answer.status == 507, "\(answer.text)")
            #expect(answer.header("content-type") == "application/problem+json")
            #expect(try answer.json()["code"] as? String == "disk_full")
        }
        let found = try connection.send(
            "POST",
            "/v1/collections/lectures/query",
            #"{"vector":[1,0,0.1],"limit":1}"#
        )
        #expect(found.status == 200 && found.text.contains(#""id":"c0""#), "\(found.text)")
        let deleted = try connection.send("POST", Self.records + "/delete", #"{"ids":["c0"]}"#)
        #expect(deleted.status == 200, "\(deleted.text)")
        #expect(try deleted.json()["count"] as? Int == 1)
        #expect(try connection.get("/v1/stats").json()["disk_full"] as? Bool == true)
        #expect(try connection.get("/livez").status == 200)

        unlink(filler)
        let written = try connection.send("POST", Self.records, Self.record, headers: key)
        #expect(written.status == 200, "\(written.text)")
        #expect(written.header("idempotency-replayed") == nil)
        let again = try connection.send("POST", Self.records, Self.record, headers: key)
        #expect(again.header("idempotency-replayed") == "true")
        #expect(again.body == written.body)
        let count = try connection.send("POST", Self.records + "/count")
        #expect(try count.json()["count"] as? Int == 100)
        #expect(server.stop().code == 0)
    }
}
