/// Which target may import which: the floors of the package.
enum TargetFloors {
    /// Our targets and those of ours that each may import.
    static let allowed: [String: Set<String>] = [
        "CVectorKernels": [],
        "CStorageShims": [],
        "CHDF5Shim": [],
        "CStreamProbe": [],
        "CLZ4": [],
        "CLibPQ": [],
        "CZlib": [],
        "VectorMath": ["CVectorKernels"],
        "StorageIO": ["CStorageShims"],
        "PostgresPool": ["CLibPQ"],
        "Evaluation": ["CHDF5Shim"],
        "BenchReport": [],
        "VectorStore": ["VectorMath", "StorageIO", "CLZ4"],
        "VectorService": ["VectorStore", "StorageIO", "PostgresPool", "CZlib"],
        "VectorServer": ["VectorService", "VectorStore", "PostgresPool", "Evaluation"],
        "Bench": [
            "VectorStore", "VectorMath", "CStreamProbe", "Evaluation", "BenchReport",
            "PostgresPool",
        ],
    ]

    /// Targets that live without Foundation.
    static let withoutFoundation: Set<String> = [
        "VectorMath", "StorageIO", "PostgresPool", "VectorStore",
    ]

    /// Modules that are Foundation under one name or another.
    static let foundation: Set<String> = [
        "Foundation", "FoundationEssentials", "FoundationNetworking", "FoundationXML",
        "FoundationInternationalization", "NIOFoundationCompat",
    ]

    /// What is wrong with the imports of `files`, one line each.
    static func problems(in files: [SourceFile]) -> [String] {
        files.flatMap { file in
            guard let permitted = allowed[file.target] else {
                return ["\(file.path): target \(file.target) has no place in the floors"]
            }
            return file.imports.compactMap { module, line in
                let ours = allowed[module] != nil
                if ours, module != file.target, !permitted.contains(module) {
                    return "\(file.path):\(line): \(file.target) must not import \(module)"
                }
                if withoutFoundation.contains(file.target), foundation.contains(module) {
                    return "\(file.path):\(line): \(file.target) does without \(module)"
                }
                return nil
            }
        }
    }
}
