/// The house as a table: which target may know which other. Bytes come in at the left and go one way; whoever adds an
/// arrow adds it here, and says why in the essay of the target.
enum House {
    struct Room {
        /// Targets of this package that the target may depend on and import.
        let ours: Set<String>
        /// Modules of other packages and of the toolchain that it may import, besides `Swift` and `Synchronization`.
        let others: Set<String>
    }

    /// Modules of the C libraries. Their pointers leave only the rooms that import them.
    static let systemLibraries: Set<String> = [
        "CarillonCNghttp2", "CarillonCOpenSSL", "CarillonCLibUV", "CarillonCZlib", "CLibCurl", "CLibPQ",
    ]

    /// Rooms above the event loop whose tasks are their own business.
    static let aboveTheLoop: Set<String> = ["carillon", "protoc-gen-carillon"]

    /// The only rooms whose literals may be SQL: the product's own, and the server that `carillon dev` makes.
    static let roomsOfSQL: Set<String> = ["Storage", "carillon"]

    /// Rooms that touch neither a C library nor the system: checked for memory safety by the compiler. `carillon` makes
    /// system calls; generated code is not ours.
    static let safeRooms: Set<String> = [
        "Domain", "Telemetry", "Prometheus", "Security", "Storage", "Rendering", "Channels", "Delivery", "Services",
        "StandardServices",
        "CarillonClient", "protoc-gen-carillon",
    ]

    /// Libraries and programs for tests: not part of the product, hence without a room.
    static let outsideTheHouse: Set<String> = ["Programs", "Support", "interop-server"]

    static let rooms: [String: Room] = [
        "CarillonNet": Room(
            ours: ["CarillonCNghttp2", "CarillonCOpenSSL", "CarillonCLibUV"],
            others: systemModules.union(["DequeModule", "HeapModule"])),
        "CarillonGRPC": Room(
            ours: ["CarillonNet", "CarillonCZlib"],
            others: systemModules.union(["SwiftProtobuf", "DequeModule"])),
        "CarillonAPI": Room(ours: ["CarillonGRPC"], others: ["SwiftProtobuf", "Foundation", "FoundationEssentials"]),
        "StandardServices": Room(
            ours: ["CarillonAPI", "CarillonGRPC", "CarillonNet"], others: foundation.union(["SwiftProtobuf"])),
        "Transfer": Room(ours: ["CarillonNet", "CLibCurl"], others: systemModules.union(["DequeModule"])),
        "Postgres": Room(ours: ["CarillonNet", "CLibPQ"], others: systemModules.union(["DequeModule"])),
        "Domain": Room(ours: [], others: foundation.union(["OrderedCollections"])),
        "Telemetry": Room(ours: ["Domain"], others: ["CoreMetrics"]),
        "Prometheus": Room(ours: [], others: ["CoreMetrics"]),
        "Storage": Room(
            ours: ["Postgres", "Domain", "CarillonNet"],
            others: foundation.union(["Crypto", "Logging", "OrderedCollections"])),
        "Channels": Room(
            ours: ["Transfer", "CarillonNet", "Domain"],
            others: foundation.union(systemModules).union(["Crypto", "Logging"])),
        "Security": Room(ours: ["Domain"], others: foundation.union(["Crypto", "CryptoExtras", "JWTKit"])),
        "Rendering": Room(ours: ["Domain"], others: foundation.union(["Mustache", "OrderedCollections"])),
        "Delivery": Room(
            ours: [
                "Storage", "Channels", "Rendering", "Domain", "Telemetry", "Security", "CarillonNet", "Postgres",
                "Transfer",
            ],
            others: foundation.union(["Crypto", "DequeModule", "Logging", "CoreMetrics", "Mustache"])),
        "Services": Room(
            ours: [
                "CarillonAPI", "CarillonGRPC", "CarillonNet", "Storage", "Postgres", "Domain", "Telemetry", "Delivery",
                "Rendering", "Security",
            ],
            others: foundation.union(["Crypto", "JWTKit", "Logging", "CoreMetrics", "SwiftProtobuf"])),
        "Portal": Room(ours: ["CarillonGRPC", "CarillonNet"], others: foundation),
        "CarillonClient": Room(
            ours: ["CarillonAPI", "CarillonGRPC", "CarillonNet"], others: foundation.union(["SwiftProtobuf"])),
        "carillon": Room(
            ours: [
                "CarillonAPI", "CarillonGRPC", "CarillonNet", "CarillonClient", "Channels", "Delivery", "Domain",
                "Portal", "Postgres", "Prometheus", "Rendering", "Security", "Services", "StandardServices", "Storage",
                "Telemetry", "Transfer",
            ],
            others: foundation.union(systemModules).union([
                "ArgumentParser", "Configuration", "Crypto", "JWTKit", "Logging", "CoreMetrics", "ServiceLifecycle",
                "UnixSignals",
                "SwiftProtobuf", "SystemPackage", "X509", "SwiftASN1", "_CryptoExtras", "CryptoExtras",
            ])),
        "protoc-gen-carillon": Room(
            ours: [], others: foundation.union(["SwiftProtobuf", "SwiftProtobufPluginLibrary"])),
    ]

    private static let systemModules: Set<String> = ["Glibc", "Musl", "Darwin"]
    private static let foundation: Set<String> = ["Foundation", "FoundationEssentials"]
}
