import Foundation

/// The fenced block of README.md between two `<!-- readme-example -->` lines.
enum ReadmeExample {
    /// The README has no such block.
    struct Problem: Error, CustomStringConvertible {
        var description: String
    }

    private static let marker = "<!-- readme-example -->"

    /// The lines inside the fence, unchanged.
    static func lines(of readme: String) throws -> String {
        let parts = readme.components(separatedBy: marker + "\n")
        guard parts.count == 3 else {
            throw Problem(description: "README.md: \(parts.count - 1) lines \(marker), 2 expected")
        }
        let block = parts[1].trimmingCharacters(in: .whitespacesAndNewlines)
        guard block.hasPrefix("```swift\n"), block.hasSuffix("\n```") else {
            throw Problem(description: "README.md: no ```swift block between the markers")
        }
        return String(block.dropFirst("```swift\n".count).dropLast("```".count))
    }

    /// Writes a package whose only program is `lines`.
    static func writePackage(to package: URL, dependency: URL, lines: String) throws {
        let sources = package.appendingPathComponent("Sources/Example")
        try FileManager.default.createDirectory(at: sources, withIntermediateDirectories: true)
        let manifest = """
            // swift-tools-version: 6.2

            import PackageDescription

            let package = Package(
                name: "Example",
                dependencies: [
                    .package(url: "\(dependency.absoluteString)", branch: "main")
                ],
                targets: [
                    .executableTarget(
                        name: "Example",
                        dependencies: [.product(name: "VectorStore", package: "VectorStore")])
                ]
            )
            """
        try write(manifest, to: package.appendingPathComponent("Package.swift"))
        try write(lines, to: sources.appendingPathComponent("main.swift"))
    }

    /// Leaves a file with the same text alone, so that a build finds it unchanged.
    private static func write(_ text: String, to url: URL) throws {
        if (try? String(contentsOf: url, encoding: .utf8)) != text {
            try Data(text.utf8).write(to: url)
        }
    }
}
