import Foundation
import Testing

/// The unmodified clients of PyPI against the real server; the calls are in `Tests/Clients`.
@Suite struct `Clients of PyPI` {
    @Test func `supabase and postgrest get what PostgREST would give them`() throws {
        let root = RepositoryCopy.root
        let python = try Command.run(root.appendingPathComponent("scripts/python.sh").path, [])
            .trimmingCharacters(in: .whitespacesAndNewlines)
        let suite = root.appendingPathComponent("Tests/Clients/client_suite.py").path
        let output = try Command.run(python, [suite, LiveServer.binary, root.path])
        let last = output.split(separator: "\n").last.map(String.init) ?? ""
        let match = try #require(last.wholeMatch(of: /client suite: (\d+) calls, (\d+) failed/))
        #expect(Int(match.1) ?? 0 >= 60)
        #expect(match.2 == "0", "\(output)")
    }
}
