// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

/// Every target is compiled in Swift 6 mode with warnings as errors; `.ci/run` adds
/// `--explicit-target-dependency-import-check error`, so the dependency lists below are the layer rules.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

/// Declares `Sources/<path>` as module `Migratez<name>`; `name` defaults to the folder's own.
func module(
    _ path: String, name: String? = nil, _ modules: [String] = [], products: [Target.Dependency] = [],
    resources: [Resource] = []
) -> Target {
    let name = name ?? path
    return .target(
        name: "Migratez" + name, dependencies: dependencies(modules) + products, path: "Sources/" + path,
        resources: resources, swiftSettings: strict)
}

/// Declares `Tests/<name>Tests`.
func tests(_ name: String, _ modules: [String], products: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: name + "Tests", dependencies: dependencies(modules) + products, path: "Tests/\(name)Tests",
        swiftSettings: strict)
}

/// A C library keeps its own name; one of our modules gets the prefix.
func dependencies(_ modules: [String]) -> [Target.Dependency] {
    let systemLibraries: Set = ["CCurl", "CLinux", "CZlib", "CZstd", "COpenSSL"]
    return modules.map { .target(name: systemLibraries.contains($0) ? $0 : "Migratez" + $0) }
}

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let sqlite = Target.Dependency.product(name: "GRDBSQLite", package: "GRDB.swift")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let nio: [Target.Dependency] = ["NIOCore", "NIOPosix", "NIOHTTP1"].map { .product(name: $0, package: "swift-nio") }
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

let package = Package(
    name: "migratez",
    products: [.executable(name: "migratez", targets: ["migratez"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
    ],
    targets: [
        // Ground: C libraries, module map and shim only.
        .systemLibrary(
            name: "CCurl", path: "Sources/CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CZstd", path: "Sources/CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(
            name: "COpenSSL", path: "Sources/COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),

        .systemLibrary(name: "CZlib", path: "Sources/CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CLinux", path: "Sources/CLinux"),

        // Ground: the nouns, the bytes, the chunk store, the wire.
        module("Model"),
        module("JSON", ["Model"]),
        module("CSV", ["Model"]),
        module("Crypto", ["Model", "COpenSSL"]),
        module("ChunkFormat", ["Model", "Crypto", "CZstd"]),
        module("Staging", ["Model", "Crypto", "ChunkFormat"], products: [grdb, sqlite]),
        module("Transport", ["Model", "CCurl"]),
        module("YAML", ["Model"], products: [yams]),

        module("ChunkLines", ["Model", "JSON", "Crypto"]),

        // What a source and a destination are, and the ones we have.
        module("ConnectorKit", ["Model", "JSON", "Crypto", "Transport"]),
        module("Connectors/HubSpot", name: "HubSpotConnector", ["Model", "JSON", "Transport", "ConnectorKit"]),
        module(
            "Connectors/Salesforce", name: "SalesforceConnector",
            ["Model", "JSON", "Crypto", "Transport", "ConnectorKit", "CSV"]),
        module(
            "Connectors/Pipedrive", name: "PipedriveConnector",
            ["Model", "JSON", "Crypto", "Transport", "ConnectorKit"]),
        module(
            "Connectors/Zoho", name: "ZohoConnector",
            ["Model", "JSON", "Crypto", "Transport", "ConnectorKit", "CSV", "CZlib"]),
        module(
            "Connectors/Dynamics", name: "DynamicsConnector", ["Model", "JSON", "Crypto", "Transport", "ConnectorKit"]),
        module("Connectors/Odoo", name: "OdooConnector", ["Model", "JSON", "Crypto", "Transport", "ConnectorKit"]),
        module(
            "Connectors/REST", name: "RESTConnector", ["Model", "JSON", "Crypto", "Transport", "YAML", "ConnectorKit"],
            resources: ["attio", "close", "copper", "freshsales", "sell", "template"].map {
                .embedInCode("Definitions/\($0).yaml")
            }),
        module(
            "Connectors/Files", name: "FileConnector",
            ["Model", "JSON", "Crypto", "ConnectorKit", "CSV", "CZlib", "CZstd"]),
        module(
            "Connectors/SQLite", name: "SQLiteConnector", ["Model", "JSON", "Crypto", "ConnectorKit"],
            products: [grdb, sqlite]),
        module("Connectors/Singer", name: "SingerConnector", ["CLinux", "Model", "JSON", "Crypto", "ConnectorKit"]),

        // The three stages, in the order in which data passes them; none knows another.
        module("Extract", ["Model", "JSON", "Crypto", "ChunkFormat", "ChunkLines", "Staging", "ConnectorKit"]),
        module("Transform", ["Model", "JSON", "Crypto", "ChunkFormat", "ChunkLines", "Staging", "ConnectorKit"]),
        module("Load", ["Model", "JSON", "Crypto", "ChunkFormat", "ChunkLines", "Staging", "ConnectorKit"]),

        // The only one that sees all stages.
        module(
            "Pipeline",
            [
                "Model", "JSON", "CSV", "Crypto", "ChunkFormat", "ChunkLines", "Staging", "Transport", "YAML",
                "ConnectorKit", "HubSpotConnector", "SalesforceConnector", "PipedriveConnector", "DynamicsConnector",
                "OdooConnector", "RESTConnector", "ZohoConnector", "FileConnector", "SQLiteConnector",
                "SingerConnector",
                "Extract", "Transform", "Load",
            ], products: [subprocess, logging]),

        // Servers that speak the vendors' protocols; they share no code with the connectors.
        module("Simulators/Kit", name: "SimulatorKit", ["Model", "JSON"], products: nio + [grdb]),
        module("Simulators/SyntheticCRM", name: "SyntheticCRM", ["Model", "Crypto"]),
        module(
            "Simulators/HubSpot", name: "HubSpotSimulator", ["Model", "JSON", "SimulatorKit", "SyntheticCRM"],
            products: [grdb]),
        module(
            "Simulators/Salesforce", name: "SalesforceSimulator", ["Model", "JSON", "SimulatorKit"], products: [grdb]),
        module("Simulators/Pipedrive", name: "PipedriveSimulator", ["Model", "JSON", "SimulatorKit", "SyntheticCRM"]),
        module(
            "Simulators/Zoho", name: "ZohoSimulator", ["Model", "JSON", "SimulatorKit", "SyntheticCRM", "CZlib"]),
        module(
            "Simulators/Dynamics", name: "DynamicsSimulator", ["Model", "JSON", "SimulatorKit", "SyntheticCRM"]),
        module("Simulators/Odoo", name: "OdooSimulator", ["Model", "JSON", "SimulatorKit", "SyntheticCRM"]),
        module("Simulators/REST", name: "RESTSimulator", ["Model", "JSON", "SimulatorKit", "SyntheticCRM"]),

        // What a person types.
        .executableTarget(
            name: "migratez",
            dependencies: dependencies([
                "CLinux", "Model", "JSON", "CSV", "Crypto", "ChunkFormat", "Staging", "ConnectorKit", "Pipeline",
                "RESTConnector", "SimulatorKit", "SyntheticCRM", "HubSpotSimulator", "SalesforceSimulator",
                "PipedriveSimulator", "DynamicsSimulator", "OdooSimulator", "RESTSimulator", "ZohoSimulator",
            ]) + [argumentParser, logging] + nio,
            path: "Sources/CLI", swiftSettings: strict),

        // Seeded faults, manual clock, generators: for tests only.
        module(
            "TestKit",
            ["Model", "JSON", "Crypto", "ChunkFormat", "Staging", "Transport", "ConnectorKit", "CZlib", "CZstd"]),
        tests("Model", ["Model", "TestKit"]),
        tests("JSON", ["Model", "JSON", "TestKit"]),
        tests("CSV", ["Model", "JSON", "CSV", "TestKit"]),
        tests("Crypto", ["Model", "Crypto", "TestKit"]),
        tests("ChunkFormat", ["Model", "Crypto", "ChunkFormat", "TestKit"]),
        tests("ChunkLines", ["Model", "JSON", "ChunkLines", "TestKit"]),
        tests("Staging", ["Model", "Crypto", "ChunkFormat", "Staging", "TestKit"], products: [grdb]),
        tests("Transport", ["Model", "Transport", "TestKit"]),
        tests("ConnectorKit", ["Model", "JSON", "Transport", "ConnectorKit", "TestKit"]),
        tests(
            "HubSpotConnector",
            [
                "Model", "JSON", "Crypto", "Transport", "ConnectorKit", "HubSpotConnector", "HubSpotSimulator",
                "SimulatorKit",
                "SyntheticCRM", "TestKit",
            ]),
        tests(
            "SalesforceConnector",
            [
                "Model", "JSON", "CSV", "Crypto", "Transport", "ConnectorKit", "SalesforceConnector",
                "SalesforceSimulator", "SimulatorKit", "TestKit",
            ]),
        tests(
            "PipedriveConnector",
            [
                "Model", "JSON", "Crypto", "Transport", "ConnectorKit", "PipedriveConnector", "PipedriveSimulator",
                "SimulatorKit", "SyntheticCRM", "TestKit",
            ]),
        tests(
            "ZohoConnector",
            [
                "Model", "JSON", "Crypto", "Transport", "ConnectorKit", "ZohoConnector", "ZohoSimulator",
                "SimulatorKit",
                "SyntheticCRM", "TestKit",
            ]),
        tests(
            "DynamicsConnector",
            [
                "Model", "JSON", "Transport", "ConnectorKit", "DynamicsConnector", "DynamicsSimulator", "SimulatorKit",
                "SyntheticCRM", "TestKit",
            ]),
        tests(
            "OdooConnector",
            [
                "Model", "JSON", "Transport", "ConnectorKit", "OdooConnector", "OdooSimulator", "SimulatorKit",
                "SyntheticCRM", "TestKit",
            ]),
        tests(
            "RESTConnector",
            [
                "Model", "JSON", "Transport", "ConnectorKit", "RESTConnector", "RESTSimulator", "SimulatorKit",
                "SyntheticCRM", "TestKit",
            ]),
        tests("FileConnector", ["Model", "JSON", "Crypto", "ConnectorKit", "FileConnector", "CSV", "TestKit"]),
        tests(
            "SQLiteConnector", ["Model", "JSON", "ConnectorKit", "SQLiteConnector", "TestKit"], products: [grdb]),
        tests("SingerConnector", ["Model", "JSON", "ConnectorKit", "SingerConnector", "TestKit"]),
        tests(
            "Extract",
            ["Model", "JSON", "Crypto", "ChunkFormat", "ChunkLines", "Staging", "ConnectorKit", "Extract", "TestKit"]),
        tests(
            "Transform",
            ["Model", "JSON", "Crypto", "ChunkFormat", "ChunkLines", "Staging", "ConnectorKit", "Transform", "TestKit"]),
        tests(
            "Load",
            ["Model", "JSON", "Crypto", "ChunkFormat", "ChunkLines", "Staging", "ConnectorKit", "Load", "TestKit"]),
        tests(
            "Pipeline",
            [
                "Model", "JSON", "CSV", "Staging", "Transport", "ConnectorKit", "Transform", "Pipeline", "SimulatorKit",
                "SyntheticCRM", "HubSpotSimulator", "SalesforceSimulator", "PipedriveSimulator", "DynamicsSimulator",
                "OdooSimulator", "RESTSimulator", "ZohoSimulator", "TestKit",
            ], products: [grdb]),
        // Whole migrations in memory, with faults that a seed decides.
        tests(
            "Simulation",
            [
                "Model", "JSON", "Crypto", "Staging", "Transport", "ConnectorKit", "Transform", "Pipeline", "TestKit",
            ]),
        tests(
            "Simulator",
            [
                "Model", "JSON", "SimulatorKit", "SyntheticCRM", "HubSpotSimulator", "SalesforceSimulator",
                "PipedriveSimulator", "DynamicsSimulator", "OdooSimulator", "RESTSimulator", "ZohoSimulator", "TestKit",
            ]),
        .testTarget(
            name: "CLITests",
            dependencies: dependencies(["Model", "JSON", "Pipeline", "TestKit"]) + ["migratez", logging],
            path: "Tests/CLITests", swiftSettings: strict),
        tests("Tidy", ["TestKit"]),
    ]
)

// Measures, for people who change a hot path: `MIGRATEZ_BENCHMARKS=1 swift run -c release benchmark-chunks`. Here rather
// than in a package of its own because it uses what only this package may see.
if Context.environment["MIGRATEZ_BENCHMARKS"] != nil {
    package.targets.append(.target(name: "MigratezMeasuring", path: "Benchmarks/Measuring", swiftSettings: strict))
    for (name, folder, modules) in [
        ("benchmark-chunks", "ChunkFormat", ["Measuring", "Model", "Crypto", "ChunkFormat"]),
        ("benchmark-manifest", "Manifest", ["Measuring", "Model", "Staging"]),
        ("benchmark-mapping", "Mapping", ["Measuring", "Model", "JSON", "ConnectorKit", "Transform"]),
        (
            "benchmark-loops", "Instructions",
            ["Model", "JSON", "Crypto", "ChunkFormat", "ChunkLines", "ConnectorKit", "Transform"]
        ),
    ] {
        package.targets.append(
            .executableTarget(
                name: name, dependencies: dependencies(modules), path: "Benchmarks/" + folder,
                exclude: folder == "Instructions" ? ["baseline.json", "check"] : [], swiftSettings: strict))
    }
}
