import Foundation

/// The working tree as a git repository of its own, committed or not.
enum RepositoryCopy {
    /// The repository that the tests were built from.
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// What a package that depends on this one is built from.
    private static let parts = ["Package.swift", "Sources", "Tests"]

    /// Makes `destination` a repository whose branch `main` holds the working tree's package.
    ///
    /// Author and date are fixed: the same tree is the same commit, and nothing is built twice.
    static func commitWorkingTree(to destination: URL) throws {
        let files = FileManager.default
        try? files.removeItem(at: destination)
        try files.createDirectory(at: destination, withIntermediateDirectories: true)
        for part in parts {
            try files.copyItem(
                at: root.appendingPathComponent(part),
                to: destination.appendingPathComponent(part)
            )
        }
        let identity = [
            "-c", "user.name=VectorStore tests", "-c", "user.email=tests@localhost",
            "-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null",
        ]
        let date = "2026-01-01T00:00:00Z"
        let environment = ["GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date]
        for arguments in [
            ["init", "--quiet", "--initial-branch=main"],
            ["add", "--all", "--force"],
            identity + ["commit", "--quiet", "--message", "The working tree"],
        ] {
            _ = try Command.run("git", arguments, in: destination, environment: environment)
        }
    }
}
