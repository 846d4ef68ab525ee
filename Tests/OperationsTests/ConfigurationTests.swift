import Foundation
import PostgresPool
import Testing

@testable import VectorService

@Suite struct `Configuration` {
    private func failure(_ text: String) -> String? {
        do {
            let file = try ConfigurationFile(path: "vs.yaml", text: text)
            _ = try ServiceOptions(Settings(environment: [:], file: file)) { _ in "" }
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test func `a flag wins over the environment, that over the file, that over the default`()
        throws
    {
        let file = try ConfigurationFile(
            path: "vs.yaml",
            text: """
                log:
                  level: debug
                limits:
                  connections: 10
                  queue_length: 20
                """
        )
        let environment = ["VS_LIMITS_CONNECTIONS": "11", "VS_LIMITS_QUEUE_LENGTH": "21"]
        let settings = try Settings(
            flags: ["limits.queue_length": "22"],
            environment: environment,
            file: file
        )
        #expect(settings.integer("limits.queue_length") == 22)
        #expect(settings.value("limits.queue_length").origin == .flag)
        #expect(settings.integer("limits.connections") == 11)
        #expect(
            settings.value("limits.connections").origin == .environment("VS_LIMITS_CONNECTIONS")
        )
        #expect(settings.text("log.level") == "debug")
        #expect(settings.value("log.level").origin == .file("vs.yaml", line: 2))
        #expect(settings.duration("limits.queue_timeout") == .seconds(2))
        #expect(settings.value("limits.queue_timeout").origin == .byDefault)
    }

    @Test(arguments: [
        ("log:\n  level: loud", "vs.yaml:2: log.level must be trace, debug,"),
        ("limits:\n\n  connections: many", "vs.yaml:3: limits.connections must be 1 to 1000000"),
        ("limits:\n  connections: 0", "not \"0\""),
        ("limits:\n  header_timeout: 10", "vs.yaml:2: limits.header_timeout must be"),
        ("metadata:\n  cache_bytes: 64MB", "as in 64MiB, not \"64MB\""),
        ("limits:\n  conections: 3", "vs.yaml:2: limits.conections is no setting; did you mean"),
        ("nonsense: 3", "vs.yaml:1: nonsense is no setting"),
        ("log: 3", "vs.yaml:1: log is no setting"),
        ("log:\n  level: info\n  level: debug", "vs.yaml:2: given twice: level"),
        ("log:\n  level: [a, b]", "vs.yaml:2: log.level must not be a list"),
        ("log:\n  level:", "vs.yaml:2: log.level has no value"),
        ("log: {", "vs.yaml:"),
        ("- a", "vs.yaml:1: the file must hold names and values"),
        ("metadata:\n  listen: changes", "vs.yaml:2: metadata.listen needs postgres.url"),
    ])
    func `an error names the line, the setting and the remedy`(text: String, part: String) throws {
        let message = try #require(failure(text))
        #expect(message.contains(part), "\(message)")
    }

    @Test(arguments: [
        ("    table: t", "vs.yaml:3: metadata.collections.c needs columns"),
        ("    columns: [a]", "needs table, as in public.video_chunks"),
        ("    table: a.b.c\n    columns: [a]", "vs.yaml:4: metadata.collections.c.table must be"),
        ("    table: t\n    columns: [a, a]", "names a twice"),
        ("    table: t\n    columns: [a]\n    id_type: int", "must be one of text, uuid, bigint"),
        ("    table: t\n    columns: [a]\n    cache_key: \"v:{b}\"", "names b, which columns does"),
        ("    table: t\n    columns: [a]\n    cache_key: \"v:{a\"", "must look like"),
        (
            "    table: t\n    columns: [a]\n    colums: [b]",
            "vs.yaml:6: metadata.collections.c.colums"
        ),
        ("    table: t\n    columns: [a]\n    require: maybe", "must be true or false"),
        ("    table: t\n    columns: [a]", "needs postgres.url or postgres.url_file"),
    ])
    func `a table that cannot be is refused by its line`(text: String, part: String) throws {
        let message = try #require(failure("metadata:\n  collections:\n   c:\n\(text)"))
        #expect(message.contains(part), "\(message)")
    }

    @Test func `a table is read as it is written, and its statement quotes every name`() throws {
        let file = try ConfigurationFile(
            path: "vs.yaml",
            text: """
                postgres: {url: "postgresql:///x"}
                metadata:
                  collections:
                    lectures:
                      table: public.Video "Chunks"
                      id: chunk_id
                      id_type: uuid
                      columns: [title, video_id]
                      cache_key: "videos:{video_id}:{chunk_id}"
                      require: true
                """
        )
        let options = try ServiceOptions(Settings(environment: [:], file: file)) { _ in "" }
        let table = try #require(options.tables.first)
        #expect(table.isRequired && table.idType == .uuid)
        #expect(
            table.selectStatement
                == #"SELECT t."chunk_id"::text, to_json(t."title")::text, "#
                + #"to_json(t."video_id")::text FROM "public"."Video ""Chunks""" t "#
                + #"WHERE t."chunk_id" = ANY($1::uuid[])"#
        )
    }

    @Test func `a secret is refused as a flag, and a URL may lie in a file of its own`() throws {
        #expect(throws: ConfigurationError.self) {
            try Settings(flags: ["postgres.url": "postgresql://u:p@h/d"], environment: [:])
        }
        let settings = try Settings(
            environment: ["VS_POSTGRES_URL_FILE": "/run/url", "VS_TYPO": "1"]
        )
        #expect(settings.unknownVariables == ["VS_TYPO"])
        let options = try ServiceOptions(settings) { path in
            path == "/run/url" ? " postgresql://u:p@h/d\n" : ""
        }
        #expect(options.postgres?.url == "postgresql://u:p@h/d")
        #expect(throws: ConfigurationError.self) {
            let both = try Settings(
                environment: ["VS_POSTGRES_URL_FILE": "/run/url", "VS_POSTGRES_URL": "x"]
            )
            _ = try ServiceOptions(both) { _ in "" }
        }
    }

    @Test(arguments: Setting.all.map(\.key))
    func `every default is a value of its setting`(key: String) throws {
        let setting = try #require(Setting.named(key))
        #expect(setting.defaultText.isEmpty || setting.objection(to: setting.defaultText) == nil)
        #expect(!setting.help.isEmpty && setting.help.hasSuffix("."))
    }

    @Test func `the page about operating lists every setting with its default`() throws {
        let page = try String(
            contentsOfFile: #filePath.replacing(
                "Tests/OperationsTests/ConfigurationTests.swift",
                with: "docs/operations-server.md"
            ),
            encoding: .utf8
        )
        for setting in Setting.all {
            let value = setting.defaultText.isEmpty ? "" : "`\(setting.defaultText)`"
            let row = "| `\(setting.key)` | \(value) | \(setting.help) |"
            #expect(page.contains(row), "\(row)")
        }
    }

    @Test(arguments: [
        ("250ms", 0.25), ("30s", 30), ("15m", 900), ("12h", 43_200), ("7d", 604_800), ("1.5s", 1.5),
    ])
    func `a duration reads and prints`(text: String, seconds: Double) throws {
        let duration = try #require(Setting.duration(text))
        #expect(duration == .milliseconds(Int64(seconds * 1_000)))
        #expect(Setting.duration(Setting.text(duration)) == duration)
    }

    @Test(arguments: ["", "s", "-1s", "1", "1 m x", "nans", "1e99d"])
    func `what is no duration is none`(text: String) {
        #expect(Setting.duration(text) == nil)
    }

    @Test func `a node is JSON with its types, and a path leads to its line`() throws {
        let file = try ConfigurationFile(
            path: "vs.yaml",
            text: """
                functions:
                  match:
                    count: 5
                    ratio: 0.5
                    name: "5"
                    on: true
                    list: [a, 1]
                """
        )
        let json = try #require(file.root["functions"]).json["match"]
        #expect(json?["count"]?.value == .unsigned(5))
        #expect(json?["ratio"]?.value == .double(0.5))
        #expect(json?["name"]?.value == .string("5"))
        #expect(json?["on"]?.value == .bool(true))
        #expect(json?["list"]?.elements?.count == 2)
        #expect(file.root.nearest("functions.match.name").line == 5)
        #expect(file.root.nearest("functions.match.nothing.there").line == 2)
    }
}
