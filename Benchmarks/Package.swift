// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "subnet", path: ".."),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
    ],
    targets: [
        .executableTarget(
            name: "subnet-bench",
            dependencies: [
                .product(name: "AccountKeys", package: "subnet"),
                .product(name: "Bittensor", package: "subnet"),
                .product(name: "LibP2P", package: "subnet"),
                .product(name: "LibP2PRPC", package: "subnet"),
                .product(name: "SubnetRPC", package: "subnet"),
                .product(name: "SubnetServices", package: "subnet"),
                .product(name: "SubnetTesting", package: "subnet"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            path: "Sources/subnet-bench",
            swiftSettings: [
                .swiftLanguageMode(.v6),
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("InternalImportsByDefault"),
                .enableUpcomingFeature("MemberImportVisibility"),
                .treatAllWarnings(as: .error),
            ])
    ]
)
