/// Rules that hold for every file by itself.
enum HouseRules {
    /// The most lines of a file.
    static let maximumLineCount = 500

    /// `public` outside the engine's API, one line each.
    static func publicProblems(in files: [SourceFile]) -> [String] {
        files.filter { !$0.path.hasPrefix("Sources/VectorStore/API/") }.flatMap { file in
            file.words.filter { $0.word == "public" || $0.word == "open" }.filter { word, line in
                word == "public" || file.code[line - 1].contains(/\bopen\s+(?:class|func|var)\b/)
            }.map { "\(file.path):\($0.line): only VectorStore/API is \($0.word)" }
        }
    }

    /// Parts that are promised and absent, one line each.
    static func unfinishedProblems(in files: [SourceFile]) -> [String] {
        files.flatMap { file in
            file.lines.enumerated().compactMap { index, line in
                line.contains(/fatalError\(\s*"not there yet"/)
                    ? "\(file.path):\(index + 1): a part that is not there" : nil
            }
        }
    }

    /// Files that are probably two nouns, one line each.
    static func lengthProblems(in files: [SourceFile]) -> [String] {
        files.compactMap { file in
            let count = file.lines.last == "" ? file.lines.count - 1 : file.lines.count
            return count > maximumLineCount ? "\(file.path): \(count) lines" : nil
        }
    }

    /// Build settings that keep a package from being a dependency, one line each.
    static func manifestProblems(in manifest: SourceFile) -> [String] {
        manifest.words.filter { $0.word == "unsafeFlags" }
            .map { "\(manifest.path):\($0.line): unsafeFlags bars use as a dependency" }
    }
}
