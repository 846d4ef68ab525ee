/// The folders of the engine as floors: code refers to its own floor and to lower ones.
enum EngineFloors {
    /// Folders of `Sources/VectorStore` with their floors, 0 the lowest.
    static let floors: [String: Int] = [
        "API/Values": 0,
        "Format": 1,
        "Log": 2,
        "Memtable": 2,
        "Segment": 2,
        "Index": 2,
        "Manifest": 3,
        "Query": 4,
        "Write": 4,
        "Maintenance": 5,
        "Recovery": 5,
        "API": 6,
    ]

    /// Files of `API` that hold values and no behaviour: every floor may name their types.
    static let valueFiles: Set<String> = [
        "API/Reports.swift", "API/StoreOptions.swift", "API/VectorStoreError.swift",
    ]

    /// A type and where it is declared.
    struct Declaration {
        var name: String
        var file: String
        var floor: Int
    }

    /// The floor of a file: that of the longest folder that holds it.
    static func floor(of file: SourceFile) -> Int? {
        if valueFiles.contains(where: { file.path.hasSuffix("/VectorStore/" + $0) }) {
            return 0
        }
        var folder = file.folder
        while !folder.isEmpty {
            if let floor = floors[folder] {
                return floor
            }
            folder = folder.split(separator: "/").dropLast().joined(separator: "/")
        }
        return nil
    }

    /// Types declared at file scope, by name.
    ///
    /// Nested ones are reached through these. A name that several floors declare belongs to the
    /// lowest, so that a short common name raises no false alarm.
    static func declarations(in files: [SourceFile]) -> [String: Declaration] {
        var found: [String: Declaration] = [:]
        for file in files {
            guard let floor = floor(of: file) else { continue }
            for line in file.code {
                guard
                    let match = line.firstMatch(
                        of:
                            /^(?:@?\w+(?:\([^)]*\))?\s+)*(?:struct|class|enum|protocol|actor|typealias)\s+(\w+)/
                    )
                else { continue }
                let name = String(match.1)
                if let known = found[name], known.floor <= floor { continue }
                found[name] = Declaration(name: name, file: file.path, floor: floor)
            }
        }
        return found
    }

    /// References that climb, and files outside every floor, one line each.
    static func problems(in files: [SourceFile]) -> [String] {
        let declarations = declarations(in: files)
        return files.flatMap { file -> [String] in
            guard let floor = floor(of: file) else {
                return ["\(file.path): the folder has no place in the floors of the engine"]
            }
            return file.words.compactMap { word, line in
                let name = String(word)
                guard let declaration = declarations[name], declaration.floor > floor else {
                    return nil
                }
                return "\(file.path):\(line): \(name) is declared higher up, in \(declaration.file)"
            }
        }
    }
}
