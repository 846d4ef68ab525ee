// swift-tools-version: 6.2

import PackageDescription

let swiftSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

let cSettings: [CSetting] = [
    .treatAllWarnings(as: .error)
]

let package = Package(
    name: "VectorStore",
    products: [
        .library(name: "VectorStore", targets: ["VectorStore"]),
        .executable(name: "vector-server", targets: ["VectorServer"]),
        .executable(name: "vector-bench", targets: ["Bench"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: []),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
    ],
    targets: [
        // Floor 0: C.
        .target(name: "CVectorKernels", cSettings: cSettings),
        .target(name: "CStorageShims", cSettings: cSettings),
        .target(name: "CHDF5Shim", cSettings: cSettings),
        .target(name: "CStreamProbe", cSettings: cSettings),
        .systemLibrary(name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),

        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

        .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),

        // Floor 1: leaves. None of them imports another target of this floor.
        .target(name: "VectorMath", dependencies: ["CVectorKernels"], swiftSettings: swiftSettings),
        .target(name: "StorageIO", dependencies: ["CStorageShims"], swiftSettings: swiftSettings),
        .target(
            name: "Evaluation",
            dependencies: [
                "CHDF5Shim", .product(name: "Histogram", package: "hdrhistogram-swift"),
            ],
            swiftSettings: swiftSettings
        ),

        .target(name: "BenchReport", swiftSettings: swiftSettings),
        .target(name: "PostgresPool", dependencies: ["CLibPQ"], swiftSettings: swiftSettings),

        // Floor 2: the engine, the one public library.
        .target(
            name: "VectorStore",
            dependencies: ["VectorMath", "StorageIO", "CLZ4"],
            swiftSettings: swiftSettings
        ),

        // Floor 3: the service.
        .target(
            name: "VectorService",
            dependencies: [
                "VectorStore",
                "StorageIO",
                "PostgresPool",
                "CZlib",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: swiftSettings
        ),

        // Floor 4: executables.
        .executableTarget(
            name: "VectorServer",
            dependencies: [
                "VectorService",
                "VectorStore",
                "PostgresPool",
                "Evaluation",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "Bench",
            dependencies: [
                "VectorStore",
                "VectorMath",
                "CStreamProbe",
                "Evaluation",
                "BenchReport",
                "PostgresPool",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: swiftSettings
        ),

        // Tests mirror the sources.
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
        .target(
            name: "FuzzSupport",
            dependencies: [
                "VectorService", "VectorStore", "TestSupport", "StorageIO", "VectorMath",
            ],
            path: "Tests/FuzzSupport",
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "FuzzTests",
            dependencies: ["FuzzSupport", "VectorMath"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "VectorStoreTests",
            dependencies: ["VectorStore", "StorageIO", "VectorMath", "TestSupport"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "VectorServiceTests",
            dependencies: [
                "VectorMath", "VectorService", "VectorStore",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "EvaluationTests",
            dependencies: ["Evaluation"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "BenchReportTests",
            dependencies: ["BenchReport"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "VectorMathTests",
            dependencies: ["VectorMath", "CVectorKernels"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "StorageIOTests",
            dependencies: ["StorageIO", "CStorageShims"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "FormatCompatibilityTests",
            dependencies: ["VectorStore", "TestSupport"],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "PostgresSupport",
            path: "Tests/PostgresSupport",
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "PostgresPoolTests",
            dependencies: ["PostgresPool", "PostgresSupport"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "OperationsTests",
            dependencies: [
                "PostgresPool", "PostgresSupport", "VectorServer", "VectorService", "VectorStore",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "RecallTests",
            dependencies: ["VectorStore", "VectorMath", "Evaluation"],
            swiftSettings: swiftSettings
        ),
        .testTarget(name: "BenchTests", swiftSettings: swiftSettings),
        .testTarget(name: "ArchitectureTests", swiftSettings: swiftSettings),
        .testTarget(
            name: "EndToEndTests",
            dependencies: ["VectorServer"],
            swiftSettings: swiftSettings
        ),
    ]
)
