// The sources as text.
//
// - Comments and string literals are blanked out before anything is looked for, line by line, so
//   that a word in prose is not taken for code and line numbers stay true.
// - The rules themselves are pure functions over `SourceFile` values: each is tested with a planted
//   violation beside the test that runs it over the real sources.

import Foundation

/// One Swift file.
struct SourceFile {
    /// The path below the repository, such as `Sources/VectorStore/API/Values/Record.swift`.
    var path: String
    /// The lines as they are in the file.
    var lines: [Substring]
    /// The lines with comments and string literals replaced by spaces.
    var code: [String]

    /// Makes a file from its text.
    init(path: String, text: String) {
        self.path = path
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        code = CodeStripper.strip(text).split(separator: "\n", omittingEmptySubsequences: false)
            .map(String.init)
    }

    /// The target that the file belongs to: the second path component.
    var target: String {
        path.split(separator: "/").dropFirst().first.map(String.init) ?? ""
    }

    /// The folders between the target and the file, joined by `/`.
    var folder: String {
        path.split(separator: "/").dropFirst(2).dropLast().joined(separator: "/")
    }

    /// Modules that the file imports, with their 1-based lines.
    var imports: [(module: String, line: Int)] {
        code.enumerated().compactMap { index, line in
            let match = line.firstMatch(
                of:
                    /^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:\w+\s+)?import\s+(?:(?:struct|class|enum|protocol|func|var|let|typealias)\s+)?(\w+)/
            )
            return match.map { (String($0.1), index + 1) }
        }
    }

    /// Words of the code with their 1-based lines.
    var words: [(word: Substring, line: Int)] {
        code.enumerated().flatMap { index, line in
            line.matches(of: /[A-Za-z_][A-Za-z0-9_]*/).map { ($0.0, index + 1) }
        }
    }
}

/// The repository that the tests were built from.
enum Repository {
    /// Its directory.
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// All Swift files below one of its directories, by path.
    static func swiftFiles(below directory: String) throws -> [SourceFile] {
        let start = root.appendingPathComponent(directory)
        let names = try FileManager.default.subpathsOfDirectory(atPath: start.path)
        return try names.filter { $0.hasSuffix(".swift") }.sorted().map { name in
            let text = try String(contentsOf: start.appendingPathComponent(name), encoding: .utf8)
            return SourceFile(path: "\(directory)/\(name)", text: text)
        }
    }

    /// Every file below one of its directories, by path.
    static func paths(below directory: String) throws -> [String] {
        let start = root.appendingPathComponent(directory)
        return try FileManager.default.subpathsOfDirectory(atPath: start.path)
            .sorted().map { "\(directory)/\($0)" }
    }
}
