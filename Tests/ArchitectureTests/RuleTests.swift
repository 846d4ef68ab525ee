import Testing

/// Every rule against a planted violation and its innocent neighbour.
@Suite struct `Architecture rules` {
    private func file(_ path: String, _ text: String) -> SourceFile {
        SourceFile(path: path, text: text)
    }

    @Test(arguments: [
        ("Sources/VectorMath/A.swift", "import VectorStore"),
        ("Sources/StorageIO/A.swift", "package import VectorMath"),
        ("Sources/Evaluation/A.swift", "import VectorStore"),
        ("Sources/VectorStore/API/A.swift", "internal import VectorService"),
        ("Sources/VectorService/A.swift", "@testable import VectorMath"),
        ("Sources/VectorStore/Log/A.swift", "import Foundation"),
        ("Sources/VectorMath/A.swift", "import struct Foundation.Data"),
        ("Sources/Elsewhere/A.swift", ""),
    ])
    func `an import that climbs is refused`(path: String, text: String) {
        #expect(TargetFloors.problems(in: [file(path, text)]).count == 1)
    }

    @Test(arguments: [
        ("Sources/VectorStore/Log/A.swift", "import StorageIO\nimport Glibc"),
        ("Sources/VectorService/A.swift", "import Foundation\npublic import VectorStore"),
        ("Sources/VectorStore/Log/A.swift", "// import Foundation\n/* import Bench */"),
    ])
    func `an import that goes down is accepted`(path: String, text: String) {
        #expect(TargetFloors.problems(in: [file(path, text)]) == [])
    }

    @Test func `a folder that names a type of a higher folder is refused`() {
        let files = [
            file("Sources/VectorStore/Query/Plan.swift", "package struct QueryPlan {\n}\n"),
            file("Sources/VectorStore/Format/A.swift", "// QueryPlan\nlet plan: [QueryPlan] = []"),
            file("Sources/VectorStore/Recovery/B.swift", "let plan = QueryPlan()"),
        ]
        #expect(
            EngineFloors.problems(in: files) == [
                "Sources/VectorStore/Format/A.swift:2: QueryPlan is declared higher up, "
                    + "in Sources/VectorStore/Query/Plan.swift"
            ]
        )
    }

    @Test(arguments: ["package final class", "public enum", "private protocol", "@frozen actor"])
    func `every form of declaration puts a type on its floor`(form: String) {
        let files = [
            file("Sources/VectorStore/API/Database.swift", "\(form) Database {}"),
            file("Sources/VectorStore/Segment/A.swift", "let other: Database?"),
        ]
        #expect(EngineFloors.problems(in: files).count == 1)
    }

    @Test func `a folder without a floor is refused`() {
        #expect(
            EngineFloors.problems(in: [file("Sources/VectorStore/Misc/A.swift", "")]).count == 1
        )
        #expect(EngineFloors.problems(in: [file("Sources/VectorStore/A.swift", "")]).count == 1)
    }

    @Test func `values of the API are the lowest floor`() {
        let files = [
            file("Sources/VectorStore/API/Values/Record.swift", "public struct Record {}"),
            file("Sources/VectorStore/API/StoreOptions.swift", "public struct StoreOptions {}"),
            file("Sources/VectorStore/Format/A.swift", "let a: Record, b: StoreOptions"),
        ]
        #expect(EngineFloors.problems(in: files) == [])
    }

    @Test(arguments: [
        "let fd = open(path, O_RDONLY)", "_ = Glibc.unlink(path)", "FileManager.default",
        "let text = \"\\(fsync(descriptor))\"", "if pread (fd, p, n, 0) < 0 {",
        "try String(contentsOfFile: path)",
    ])
    func `a file call outside StorageIO is refused`(line: String) {
        #expect(FileCalls.problems(in: [file("Sources/VectorStore/Log/A.swift", line)]).count == 1)
        #expect(FileCalls.problems(in: [file("Sources/StorageIO/A.swift", line)]) == [])
    }

    @Test(arguments: [
        "try fileSystem.open(path)", "func open(at path: String) {}", "reopen(path)",
        "// then rename(2)", "\"mmap(\"", "VectorDatabase.open(at: path)",
        "func open(_ path: String) { open(path) }",
    ])
    func `a method that bears the name of a file call is accepted`(line: String) {
        #expect(FileCalls.problems(in: [file("Sources/VectorStore/Log/A.swift", line)]) == [])
    }

    @Test func `public outside the API is refused`() {
        let text = "/// public prose\npublic struct A {}"
        #expect(
            HouseRules.publicProblems(in: [file("Sources/VectorMath/A.swift", text)]).count == 1
        )
        #expect(
            HouseRules.publicProblems(in: [file("Sources/VectorStore/API/A.swift", text)]) == []
        )
    }

    @Test func `a missing part is refused`() {
        let text = "func a() {\n    fatalError(\"not there yet\")\n}"
        #expect(HouseRules.unfinishedProblems(in: [file("Sources/Bench/A.swift", text)]).count == 1)
    }

    @Test func `the 501st line is refused`() {
        let line = "let a = 0\n"
        let fits = file("Sources/Bench/A.swift", String(repeating: line, count: 500))
        let tooLong = file("Sources/Bench/B.swift", String(repeating: line, count: 501))
        #expect(HouseRules.lengthProblems(in: [fits]) == [])
        #expect(HouseRules.lengthProblems(in: [tooLong]) == ["Sources/Bench/B.swift: 501 lines"])
    }

    @Test func `unsafe flags are refused`() {
        let manifest = file("Package.swift", "swiftSettings: [.unsafeFlags([])]")
        #expect(HouseRules.manifestProblems(in: manifest).count == 1)
    }

    @Test(arguments: [
        ("a // b", "a     "),
        ("a /* /* b */ c */ d", "a                 d"),
        ("f(\"x // y\") + 1", "f(        ) + 1"),
        ("f(#\"a \" b\"#, c)", "f(         , c)"),
        ("\"a \\(g(1)) b\" + c", "     g(1)     + c"),
        ("\"\"\"\nunlink(\n\"\"\"", "   \n       \n   "),
        ("\"a\\\"b\" + c", "       + c"),
    ])
    func `comments and strings are not code`(text: String, code: String) {
        #expect(CodeStripper.strip(text) == code)
    }
}
