import Foundation
import Testing

/// The real sources against the rules.
@Suite struct `Architecture` {
    private let sources: [SourceFile]

    init() throws {
        sources = try Repository.swiftFiles(below: "Sources")
    }

    /// Files of one target.
    private func files(of target: String) -> [SourceFile] {
        sources.filter { $0.target == target }
    }

    private func expectNone(_ problems: [String]) {
        #expect(problems.isEmpty, "\n\(problems.joined(separator: "\n"))")
    }

    @Test func `every target of the floors has sources to judge`() throws {
        let paths = try Repository.paths(below: "Sources")
        for target in TargetFloors.allowed.keys.sorted() {
            #expect(paths.contains { $0.hasPrefix("Sources/\(target)/") }, "\(target)")
        }
    }

    @Test func `a target imports only lower floors, and the engine no Foundation`() {
        expectNone(TargetFloors.problems(in: sources))
    }

    @Test func `a folder of the engine names only types of its own floor and of lower ones`() {
        expectNone(EngineFloors.problems(in: files(of: "VectorStore")))
    }

    @Test func `only the engine's API is public`() {
        expectNone(HouseRules.publicProblems(in: sources))
    }

    @Test func `files are reached through StorageIO`() {
        expectNone(FileCalls.problems(in: sources))
    }

    @Test func `no part of the product is missing behind a trap`() {
        expectNone(HouseRules.unfinishedProblems(in: sources))
    }

    @Test func `no Swift file has more than 500 lines`() throws {
        let tests = try Repository.swiftFiles(below: "Tests")
        expectNone(HouseRules.lengthProblems(in: sources + tests))
    }

    @Test func `the package uses no unsafe flags`() throws {
        let path = Repository.root.appendingPathComponent("Package.swift")
        let text = try String(contentsOf: path, encoding: .utf8)
        expectNone(HouseRules.manifestProblems(in: SourceFile(path: "Package.swift", text: text)))
    }
}
