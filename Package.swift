// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]
// On the way of a call an asynchronous function stays where its caller runs: each one that does not costs a
// look-up of the task's executor on the way in and on the way out.
let callPathSettings = settings + [.enableUpcomingFeature("NonisolatedNonsendingByDefault")]

// Products of other packages, by the name our targets use.
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioWebSocket: Target.Dependency = .product(name: "NIOWebSocket", package: "swift-nio")
let httpTypesNIO: Target.Dependency = .product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let httpTypesHTTP1: Target.Dependency = .product(
    name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let cryptoExtras: Target.Dependency = .product(name: "CryptoExtras", package: "swift-crypto")
let heap: Target.Dependency = .product(name: "HeapModule", package: "swift-collections")
let deque: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")
let protobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
let coreMetrics: Target.Dependency = .product(name: "CoreMetrics", package: "swift-metrics")
let tracing: Target.Dependency = .product(name: "Tracing", package: "swift-distributed-tracing")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let certificates: Target.Dependency = .product(name: "X509", package: "swift-certificates")
let asn1: Target.Dependency = .product(name: "SwiftASN1", package: "swift-asn1")
let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")
let system: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let hummingbirdCore: Target.Dependency = .product(name: "HummingbirdCore", package: "hummingbird")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let hummingbirdTLS: Target.Dependency = .product(name: "HummingbirdTLS", package: "hummingbird")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let asyncHTTPClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

func library(
    _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = [],
    settings: [SwiftSetting] = settings
) -> Target {
    .target(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], fixtures: Bool = false) -> Target {
    .testTarget(
        name: name, dependencies: dependencies, resources: fixtures ? [.copy("Fixtures")] : [],
        swiftSettings: settings)
}

let package = Package(
    name: "subnet",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "subnet", targets: ["SubnetCLI"]),
        .library(name: "Subnet", targets: ["Subnet"]),
        .library(name: "SubnetRPC", targets: ["SubnetRPC"]),
        .library(name: "SubnetServices", targets: ["SubnetServices"]),
        .library(name: "LibP2P", targets: ["LibP2P"]),
        .library(name: "LibP2PIdentity", targets: ["LibP2PIdentity"]),
        .library(name: "LibP2PRPC", targets: ["LibP2PRPC"]),
        .library(name: "ModelWorkers", targets: ["ModelWorkers"]),
        .library(name: "AccountKeys", targets: ["AccountKeys"]),
        .library(name: "Bittensor", targets: ["Bittensor", "BittensorCore"]),
        .library(name: "ComputeSubnet", targets: ["ComputeSubnet"]),
        .library(name: "SubnetTesting", targets: ["SubnetTesting"]),
        .library(name: "SubnetFuzzing", targets: ["SubnetFuzzing"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras.git", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-crypto.git", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-certificates.git", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-asn1.git", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-collections.git", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-protobuf.git", from: "1.39.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics.git", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing.git", from: "1.7.3"),
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-system.git", from: "1.8.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess.git", from: "1.0.2"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.1", traits: []),
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.8.0"),
        .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.37.0"),
        .package(url: "https://github.com/groue/GRDB.swift.git", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams.git", from: "6.2.2"),
    ],
    targets: [
        .systemLibrary(
            name: "CSodium", pkgConfig: "libsodium",
            providers: [.apt(["libsodium-dev"]), .brew(["libsodium"])]),
        .systemLibrary(
            name: "CSecp256k1", pkgConfig: "libsecp256k1",
            providers: [.apt(["libsecp256k1-dev"]), .brew(["secp256k1"])]),
        library("Multiformats", []),
        library("EventLoops", [nioCore]),
        library("LibP2PIdentity", ["Multiformats", "CSecp256k1", crypto, cryptoExtras]),
        library("LibP2PWire", [protobuf], exclude: ["Protos"]),
        library(
            "LibP2PCore",
            [
                "LibP2PIdentity", "LibP2PWire", "Multiformats", "CSodium", nioCore, deque, crypto,
                certificates, asn1,
                protobuf,
            ]),
        library(
            "LibP2P",
            [
                "EventLoops", "LibP2PCore", "LibP2PIdentity", nioCore, nioPosix, nioSSL, nioTLS, deque,
                crypto, logging, lifecycle,
            ], settings: callPathSettings),
        library("SubnetRPC", [nioCore, protobuf, logging, tracing, deque], settings: callPathSettings),
        library(
            "LibP2PRPC", ["SubnetRPC", "LibP2P", "LibP2PCore", "LibP2PIdentity", nioCore],
            settings: callPathSettings),
        library("SubnetServices", ["SubnetRPC", protobuf], exclude: ["Protos"]),
        library(
            "ModelWorkers", [nioCore, nioPosix, protobuf, logging, subprocess, system], exclude: ["Protos"]),
        .target(name: "CEmbeddedModel"),
        library("EmbeddedModel", ["CEmbeddedModel"]),
        library("PrometheusMetrics", [coreMetrics]),
        library("AccountKeys", ["Multiformats", "CSodium", "CSecp256k1", crypto, cryptoExtras, nioPosix]),
        library("BittensorCore", ["AccountKeys", "SubnetRPC", nioCore, crypto, deque]),
        library(
            "Bittensor",
            [
                "AccountKeys", "BittensorCore", "EventLoops", "SubnetRPC", nioCore, nioHTTP1, nioPosix,
                nioSSL, crypto, logging, metrics, lifecycle, signals, hummingbirdCore, hummingbirdTLS,
                asyncHTTPClient, deque, heap,
            ]),
        library("ContainerEngine", [nioCore, nioPosix, nioHTTP1, asyncHTTPClient, logging]),
        library(
            "ComputeSubnet",
            [
                "AccountKeys", "Bittensor", "BittensorCore", "ContainerEngine", "SubnetRPC", "CSodium",
                nioCore,
                nioHTTP1, nioPosix, nioSSL, nioWebSocket, httpTypesNIO, httpTypesHTTP1, crypto,
                cryptoExtras, certificates, deque, logging, metrics, lifecycle, subprocess,
                system, hummingbird, hummingbirdCore, hummingbirdTLS, httpTypes, asyncHTTPClient, grdb, yams,
            ]),
        library(
            "Subnet",
            [
                "LibP2P", "LibP2PIdentity", "LibP2PRPC", "SubnetRPC", "SubnetServices", "ModelWorkers",
                "EmbeddedModel",
                "PrometheusMetrics", logging, metrics, nioCore, lifecycle, signals, hummingbird,
                hummingbirdCore, yams,
                protobuf,
            ]),
        .executableTarget(
            name: "SubnetCLI",
            dependencies: [
                "Subnet", "LibP2P", "LibP2PCore", "LibP2PIdentity", "LibP2PRPC", "SubnetRPC",
                "SubnetServices",
                "ModelWorkers", "EmbeddedModel", "AccountKeys", "BittensorCore", "Bittensor", "ComputeSubnet",
                "ContainerEngine",
                "PrometheusMetrics", argumentParser, logging, metrics, yams, lifecycle, nioCore, nioPosix,
                protobuf, signals,
            ], swiftSettings: settings),
        library(
            "SubnetFuzzing",
            [
                "Multiformats", "LibP2PIdentity", "LibP2PCore", "SubnetRPC", "ModelWorkers", "EmbeddedModel",
                "AccountKeys", "BittensorCore", nioCore, crypto,
            ]),
        library(
            "SubnetTesting",
            [
                "Multiformats", "LibP2PIdentity", "LibP2PCore", "LibP2P", "LibP2PRPC", "SubnetRPC",
                "SubnetServices",
                protobuf, nioCore, nioEmbedded, deque, crypto, logging,
            ]),
        .executableTarget(
            name: "test-worker", dependencies: ["ModelWorkers", nioCore, logging], path: "Tests/TestWorker",
            swiftSettings: settings),

        .executableTarget(
            name: "test-miner", dependencies: ["ComputeSubnet", logging], path: "Tests/TestMiner",
            swiftSettings: settings),

        tests("MultiformatsTests", ["Multiformats"], fixtures: true),
        tests("EventLoopsTests", ["EventLoops", nioCore, nioPosix]),
        tests(
            "LibP2PIdentityTests", ["LibP2PIdentity", "Multiformats", crypto], fixtures: true
        ),
        tests(
            "LibP2PCoreTests",
            [
                "LibP2PCore", "LibP2PIdentity", "LibP2PWire", "Multiformats", "SubnetFuzzing", nioCore,
                crypto, certificates, asn1,
            ],
            fixtures: true),
        tests("LibP2PTests", ["LibP2P", "LibP2PCore", "LibP2PIdentity", crypto, nioCore, nioPosix, logging]),
        tests(
            "SubnetRPCTests",
            ["SubnetRPC", "SubnetTesting", "SubnetFuzzing", nioCore, protobuf, logging, tracing, crypto]),
        tests(
            "ModelWorkersTests",
            ["ModelWorkers", "SubnetFuzzing", "test-worker", nioCore, nioPosix, protobuf, logging]),
        tests("EmbeddedModelTests", ["EmbeddedModel", "SubnetFuzzing"]),
        tests(
            "LibP2PRPCTests",
            [
                "LibP2PRPC", "LibP2P", "LibP2PIdentity", "SubnetRPC", "SubnetServices", "SubnetTesting",
                nioCore, protobuf,
                logging,
            ]),
        tests("SubnetFuzzingTests", ["SubnetFuzzing"]),
        tests("AccountKeysTests", ["AccountKeys", "Multiformats", crypto], fixtures: true),
        tests(
            "BittensorCoreTests", ["BittensorCore", "AccountKeys", "SubnetRPC", nioCore, crypto],
            fixtures: true),
        tests(
            "BittensorTests",
            [
                "Bittensor", "BittensorCore", "AccountKeys", "SubnetRPC", "SubnetTesting", nioCore, nioHTTP1,
                nioPosix, nioSSL, logging, asyncHTTPClient, lifecycle, certificates, asn1, crypto,
            ], fixtures: true),
        tests("ContainerEngineTests", ["ContainerEngine", nioCore, nioPosix, nioHTTP1, logging]),
        tests(
            "ComputeSubnetTests",
            [
                "test-miner", "ComputeSubnet", "ContainerEngine", "Bittensor", "BittensorCore", "AccountKeys",
                "SubnetRPC", nioCore, nioPosix, logging, metrics, grdb, cryptoExtras, crypto, subprocess,
                lifecycle,
                asyncHTTPClient,
                certificates, asn1, nioSSL, coreMetrics, "PrometheusMetrics",
                nioHTTP1, nioWebSocket, system,
            ],
            fixtures: true),
        tests("PrometheusMetricsTests", ["PrometheusMetrics", metrics]),
        tests(
            "SubnetTests",
            [
                "Subnet", "LibP2P", "LibP2PIdentity", "LibP2PRPC", "SubnetRPC", "SubnetServices",
                "SubnetTesting", "ModelWorkers",
                "PrometheusMetrics", logging, metrics, nioCore, nioPosix, lifecycle, protobuf, tracing,
            ]),
        tests(
            "InteropTests",
            [
                "LibP2P", "LibP2PCore", "LibP2PIdentity", "LibP2PRPC", "SubnetRPC", "SubnetServices",
                "AccountKeys",
                "Bittensor", "BittensorCore", "ComputeSubnet", "ContainerEngine", subprocess, nioCore,
                logging, system,
            ]),
        tests(
            "SubnetCLITests",
            [
                "SubnetCLI", "LibP2P", "LibP2PIdentity", "LibP2PRPC", "SubnetRPC", "SubnetServices", logging,
                nioCore, nioHTTP1, asyncHTTPClient,
            ]),
        tests(
            "SimulationTests",
            [
                "SubnetTesting", "LibP2P", "LibP2PCore", "LibP2PIdentity", "LibP2PRPC", "SubnetRPC",
                "SubnetServices", nioCore, logging,
            ]),
    ]
)

// SUBNET_TESTS=LibP2PTests,SubnetTests builds these test targets only: linking is most of a small build.
if let only = Context.environment["SUBNET_TESTS"]?.split(separator: ",").map(String.init) {
    package.targets.removeAll { $0.type == .test && !only.contains($0.name) }
}
