// swift-tools-version: 6.2
import PackageDescription

/// What every Swift target is compiled with; a test checks that none is left out.
let common: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

/// Rooms that touch neither a C library nor the system are checked for memory safety as well.
let safe = common + [.strictMemorySafety()]

let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")
let protobufPlugins = Target.Dependency.product(name: "SwiftProtobufPluginLibrary", package: "swift-protobuf")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let jwt = Target.Dependency.product(name: "JWTKit", package: "jwt-kit")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "CoreMetrics", package: "swift-metrics")
let mustache = Target.Dependency.product(name: "Mustache", package: "swift-mustache")

/// The fuzz targets: a short run of them as a test, or, for `make fuzz`, the executable that libFuzzer drives.
let fuzz: Target =
    Context.environment["CARILLON_FUZZ"] == nil
    ? .testTarget(
        name: "FuzzTests", dependencies: ["CarillonGRPC", "CarillonNet", protobuf], path: "Tests/Fuzz",
        exclude: ["Driver.swift"], swiftSettings: common)
    : .executableTarget(
        name: "fuzz", dependencies: ["CarillonGRPC", "CarillonNet", protobuf], path: "Tests/Fuzz",
        exclude: ["FuzzTests.swift"], swiftSettings: common)

let package = Package(
    name: "carillon",
    platforms: [.macOS(.v26)],
    products: [
        .executable(name: "carillon", targets: ["carillon"]),
        .library(name: "CarillonClient", targets: ["CarillonClient"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0", traits: []),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
    ],
    targets: [
        // C libraries: a module map and a shim each, no logic.
        .systemLibrary(
            name: "CarillonCLibUV", pkgConfig: "libuv", providers: [.apt(["libuv1-dev"]), .brew(["libuv"])]),
        .systemLibrary(
            name: "CarillonCNghttp2", pkgConfig: "libnghttp2",
            providers: [.apt(["libnghttp2-dev"]), .brew(["libnghttp2"])]),
        .systemLibrary(
            name: "CarillonCOpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"]), .brew(["openssl@3"])]),
        .systemLibrary(
            name: "CarillonCZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
        .systemLibrary(
            name: "CLibCurl", pkgConfig: "libcurl",
            providers: [.apt(["libcurl4-openssl-dev"]), .brew(["curl"])]),
        .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"]), .brew(["libpq"])]),

        // Bytes and calls.
        .target(
            name: "CarillonNet", dependencies: ["CarillonCLibUV", "CarillonCNghttp2", "CarillonCOpenSSL"],
            swiftSettings: common),
        .target(name: "CarillonGRPC", dependencies: ["CarillonNet", "CarillonCZlib", protobuf], swiftSettings: common),
        .target(name: "CarillonAPI", dependencies: ["CarillonGRPC", protobuf], swiftSettings: common),
        .target(
            name: "StandardServices", dependencies: ["CarillonAPI", "CarillonGRPC", "CarillonNet", protobuf],
            swiftSettings: safe),
        .target(name: "Transfer", dependencies: ["CarillonNet", "CLibCurl"], swiftSettings: common),
        .target(name: "Postgres", dependencies: ["CarillonNet", "CLibPQ", deque], swiftSettings: common),

        // The product.
        .target(name: "Domain", swiftSettings: safe),
        .target(name: "Telemetry", dependencies: ["Domain", metrics], swiftSettings: safe),
        .target(name: "Prometheus", dependencies: [metrics], swiftSettings: safe),
        .target(name: "Security", dependencies: ["Domain", crypto, jwt], swiftSettings: safe),
        .target(
            name: "Storage", dependencies: ["Postgres", "Domain", "CarillonNet", crypto],
            resources: [
                .embedInCode("Schema/bootstrap.sql"), .embedInCode("Schema/registry.sql"),
                .embedInCode("Schema/registry_2.sql"), .embedInCode("Schema/registry_3.sql"),
                .embedInCode("Schema/tenant_2.sql"), .embedInCode("Schema/tenant_3.sql"),
                .embedInCode("Schema/tenant_4.sql"), .embedInCode("Schema/tenant_5.sql"),
                .embedInCode("Schema/tenant_6.sql"),
                .embedInCode("Schema/tenant_7.sql"),
                .embedInCode("Schema/tenant.sql"), .embedInCode("Schema/tenant_month.sql"),
            ],
            swiftSettings: safe),
        .target(name: "Rendering", dependencies: ["Domain", mustache], swiftSettings: safe),
        .target(name: "Channels", dependencies: ["Transfer", "CarillonNet", "Domain"], swiftSettings: safe),
        .target(
            name: "Delivery",
            dependencies: [
                "Storage", "Postgres", "Channels", "Transfer", "Rendering", "Domain", "Telemetry", "Security",
                "CarillonNet", deque, metrics,
            ],
            swiftSettings: safe),
        .target(
            name: "Services",
            dependencies: [
                "CarillonAPI", "CarillonGRPC", "CarillonNet", "Storage", "Postgres", "Domain", "Telemetry", "Delivery",
                "Rendering", "Security", metrics, protobuf,
            ],
            swiftSettings: safe),
        .target(
            name: "CarillonClient", dependencies: ["CarillonAPI", "CarillonGRPC", "CarillonNet", protobuf],
            swiftSettings: safe),
        .executableTarget(
            name: "carillon",
            dependencies: [
                "CarillonAPI", "CarillonGRPC", "CarillonNet", "StandardServices", "Services", "Delivery", "Storage",
                "Postgres", "Domain", "Telemetry", "Prometheus", "Transfer", "Channels", "Rendering", "Security",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "X509", package: "swift-certificates"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                crypto, jwt, logging, metrics, protobuf,
            ],
            swiftSettings: common),
        .executableTarget(name: "protoc-gen-carillon", dependencies: [protobuf, protobufPlugins], swiftSettings: safe),

        // Tests.
        .target(name: "Programs", path: "Tests/Programs", swiftSettings: common),
        .target(
            name: "Support", dependencies: ["CLibPQ", "CarillonNet", "Postgres", "Programs"], path: "Tests/Support",
            exclude: ["smtp_server.py", "http_server.py", "tsan_mutex.c"], swiftSettings: common),
        .executableTarget(
            name: "interop-server", dependencies: ["CarillonGRPC", "CarillonNet", "StandardServices", protobuf],
            path: "Tests/InteropServer", exclude: ["Protos"], swiftSettings: common),
        .testTarget(
            name: "CarillonNetTests", dependencies: ["CarillonNet", "Programs"], exclude: ["raw_peer.py"],
            swiftSettings: common),
        .testTarget(
            name: "CarillonGRPCTests", dependencies: ["CarillonGRPC", "CarillonNet", "Programs", protobuf],
            exclude: ["ForeignServers"], swiftSettings: common),
        .testTarget(
            name: "StandardServicesTests",
            dependencies: ["StandardServices", "CarillonAPI", "CarillonGRPC", "CarillonNet", "Support", protobuf],
            swiftSettings: common),
        .testTarget(
            name: "PostgresTests", dependencies: ["Postgres", "CarillonNet", "Support"], swiftSettings: common),
        .testTarget(
            name: "TransferTests", dependencies: ["Transfer", "CarillonNet", "Support"], swiftSettings: common),
        .testTarget(name: "DomainTests", dependencies: ["Domain"], swiftSettings: common),
        .testTarget(
            name: "TelemetryTests", dependencies: ["Telemetry", "Prometheus", "Domain", metrics], swiftSettings: common),
        .testTarget(name: "PrometheusTests", dependencies: ["Prometheus", metrics], swiftSettings: common),
        .testTarget(
            name: "SecurityTests",
            dependencies: [
                "Security", "Domain", crypto, .product(name: "CryptoExtras", package: "swift-crypto"),
            ],
            swiftSettings: common),
        .testTarget(
            name: "StorageTests", dependencies: ["Storage", "Postgres", "Domain", "CarillonNet", "Support"],
            exclude: ["Version1"], swiftSettings: common),
        .testTarget(name: "RenderingTests", dependencies: ["Rendering", "Domain"], swiftSettings: common),
        .testTarget(
            name: "ChannelsTests",
            dependencies: ["Channels", "Transfer", "Domain", "CarillonNet", "Programs", "Support"],
            swiftSettings: common),
        .testTarget(
            name: "DeliveryTests",
            dependencies: [
                "Delivery", "Storage", "Postgres", "Channels", "Transfer", "Rendering", "Domain", "Telemetry",
                "Prometheus", "Security", "CarillonNet", "Support", metrics,
            ],
            swiftSettings: common),
        .testTarget(
            name: "ServicesTests",
            dependencies: [
                "Services", "CarillonAPI", "CarillonGRPC", "CarillonNet", "Storage", "Postgres", "Domain", "Telemetry",
                "Prometheus", "Delivery", "Rendering", "Security", "Support", protobuf, crypto, jwt, metrics,
            ],
            swiftSettings: common),
        .testTarget(
            name: "ProtocGenCarillonTests", dependencies: ["protoc-gen-carillon", protobuf, protobufPlugins],
            swiftSettings: common),
        .testTarget(
            name: "CarillonTests",
            dependencies: [
                "carillon", "CarillonClient", "CarillonAPI", "CarillonGRPC", "CarillonNet", "Storage", "Domain",
                "Telemetry", "Prometheus", "Programs", logging, metrics,
                protobuf,
            ],
            swiftSettings: common),
        .testTarget(name: "HouseTests", dependencies: ["Programs"], swiftSettings: common),
        fuzz,
    ]
)
