// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "task-peer",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "subnet", path: "../.."),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-protobuf.git", from: "1.39.0"),
    ],
    targets: [
        .executableTarget(
            name: "task-peer",
            dependencies: [
                .product(name: "Subnet", package: "subnet"),
                .product(name: "SubnetRPC", package: "subnet"),
                .product(name: "LibP2P", package: "subnet"),
                .product(name: "LibP2PIdentity", package: "subnet"),
                .product(name: "LibP2PRPC", package: "subnet"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ],
            path: "Sources/TaskPeer",
            exclude: ["task.proto"],
            swiftSettings: [
                .swiftLanguageMode(.v6),
                .enableUpcomingFeature("ExistentialAny"),
                .treatAllWarnings(as: .error),
            ])
    ]
)
