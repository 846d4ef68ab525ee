// swift-tools-version: 6.2

// The engine, the readers of requests and the fuzzing program, to be built with sanitizers.

import PackageDescription

let swiftSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
    name: "VectorStore",
    targets: [
        .target(name: "CVectorKernels"),
        .target(name: "CStorageShims"),
        .systemLibrary(name: "CLZ4", pkgConfig: "liblz4"),
        .target(name: "VectorMath", dependencies: ["CVectorKernels"], swiftSettings: swiftSettings),
        .target(name: "StorageIO", dependencies: ["CStorageShims"], swiftSettings: swiftSettings),
        .target(
            name: "VectorStore",
            dependencies: ["VectorMath", "StorageIO", "CLZ4"],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "VectorService",
            dependencies: ["VectorStore"],
            path: "Sources/VectorService",
            sources: [
                "Answers/Problem.swift", "JSON", "Metadata/MetadataRow.swift",
                "Requests/FieldReader.swift", "Requests/FilterDecoding.swift",
                "Requests/Freshness.swift", "Requests/QueryDecoding.swift",
                "Requests/RecordDecoding.swift", "Requests/VectorDecoding.swift",
            ],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "TestSupport",
            dependencies: ["VectorStore", "StorageIO", "VectorMath"],
            path: "Tests/TestSupport",
            swiftSettings: swiftSettings
        ),
        .target(
            name: "FuzzSupport",
            dependencies: [
                "VectorService", "VectorStore", "TestSupport", "StorageIO", "VectorMath",
            ],
            path: "Tests/FuzzSupport",
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "Fuzz",
            dependencies: ["FuzzSupport"],
            path: "Tests/Fuzz",
            exclude: ["Package.swift"],
            swiftSettings: swiftSettings
        ),
    ]
)
