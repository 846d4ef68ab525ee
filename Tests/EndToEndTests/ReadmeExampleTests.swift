import Foundation
import Testing

/// The library lines of README.md in a package of their own.
///
/// The package depends on this repository the way a user's does: by URL, through git. Everything
/// is built below `.build-readme`, which stays, so that later runs only compile what changed.
@Suite struct `README example` {
    @Test func `the lines of the README compile and print what they promise`() throws {
        let repository = RepositoryCopy.root
        let lines = try ReadmeExample.lines(
            of: String(contentsOf: repository.appendingPathComponent("README.md"), encoding: .utf8)
        )
        guard Command.exists("git") else {
            print("skipped: git is not installed, and a package dependency needs it")
            return
        }
        let work = repository.appendingPathComponent(".build-readme")
        let source = work.appendingPathComponent("VectorStore")
        try RepositoryCopy.commitWorkingTree(to: source)
        let package = work.appendingPathComponent("package")
        try ReadmeExample.writePackage(to: package, dependency: source, lines: lines)

        // A branch that moved is noticed only by an update, not by a build.
        let places = [
            "--package-path", package.path, "--cache-path",
            work.appendingPathComponent("cache").path,
        ]
        _ = try Command.run("swift", ["package", "update"] + places)
        _ = try Command.run("swift", ["build", "--jobs", "2"] + places)
        let program = package.appendingPathComponent(".build/debug/Example").path

        let directory = work.appendingPathComponent("run")
        try? FileManager.default.removeItem(at: directory)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let output = try Command.run(program, [], in: directory)

        let words = output.split(separator: "\n").map { $0.split(separator: " ") }
        #expect(words.count == 1, "one match, on one line: \(output)")
        let match = try #require(words.first)
        #expect(match.first == "c1")
        #expect(match.last == #"{"text":"hello"}"#)
        let similarity = try #require(match.dropFirst().first.flatMap { Double($0) })
        #expect(abs(similarity - 1) < 1e-6)
    }

    @Test func `a README without the example is refused`() {
        #expect(throws: ReadmeExample.Problem.self) { try ReadmeExample.lines(of: "# Title\n") }
        #expect(throws: ReadmeExample.Problem.self) {
            try ReadmeExample.lines(of: "<!-- readme-example -->\ntext\n<!-- readme-example -->\n")
        }
    }
}
