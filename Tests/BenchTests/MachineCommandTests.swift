import Foundation
import Testing

/// The commands of `vector-bench` that measure builds, openings and memory, on little data.
@Suite struct `Builds, openings and scans` {
    private let scratch: Scratch
    private static let base = Program.root.path + "/fixtures/datasets/small-base.npy"
    private static let queries = Program.root.path + "/fixtures/datasets/small-queries.npy"

    init() throws {
        scratch = try Scratch()
    }

    private func run(_ arguments: [String]) throws -> [String: Any] {
        let text = try Program.run("vector-bench", arguments, in: scratch)
        let object = try JSONSerialization.jsonObject(with: Data(text.utf8))
        return try #require(object as? [String: Any])
    }

    @Test func `a build tells its rates and its memory, and the store opens cold`() throws {
        let store = scratch.path + "/store"
        let built = try run([
            "build", "--base", Self.base, "--store", store, "--nlist", "16", "--json",
        ])
        for name in [
            "build_s", "build_cpu_s", "import_mb_s", "disk_mb_s", "anonymous_bytes", "peak_bytes",
        ] {
            #expect(try #require(built[name] as? Double) > 0, "\(name)")
        }
        let data = try #require(built["data"] as? [String: Any])
        #expect(data["rows"] as? Int == 1_200)
        let first = try run([
            "first", "--queries", Self.queries, "--store", store, "--rounds", "2", "--query-limit",
            "20",
        ])
        #expect(first["rows"] as? Int == 1_200)
        let open = try #require(first["open_ms"] as? Double)
        let whole = try #require(first["opened_and_answered_ms"] as? Double)
        #expect(open > 0 && whole > open)
    }

    @Test func `a build of fewer rows than the file has says so`() throws {
        let built = try run([
            "build", "--base", Self.base, "--limit", "500", "--skip-disk", "--json",
        ])
        let data = try #require(built["data"] as? [String: Any])
        #expect(data["rows"] as? Int == 500)
        #expect(built["disk_mb_s"] == nil)
    }

    @Test func `a scan of codes has a rate and a share of the rate of reading`() throws {
        let found = try run([
            "stream", "--dimension", "100", "--cache", "1", "--rounds", "1", "--json",
        ])
        let read = try #require(found["read_gb_s"] as? Double)
        let scan = try #require(found["scan_gb_s"] as? Double)
        let share = try #require(found["share_percent"] as? Double)
        #expect(abs(share - 100 * scan / read) < 5)
        #expect(try #require(found["code_bytes"] as? Int) > 3 << 20)
    }
}
