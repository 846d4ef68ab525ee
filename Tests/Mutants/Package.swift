// swift-tools-version: 6.2

// The engine and its durability tests alone, so that a mutant builds in a minute.

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
            name: "TestSupport",
            dependencies: ["VectorStore", "StorageIO", "VectorMath"],
            path: "Tests/TestSupport",
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "CrashWorker",
            dependencies: ["VectorStore", "StorageIO", "VectorMath", "TestSupport"],
            path: "Tests/CrashWorker",
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "DurabilityTests",
            dependencies: [
                "VectorStore", "StorageIO", "VectorMath", "TestSupport", "CrashWorker",
            ],
            swiftSettings: swiftSettings
        ),
    ]
)
