// swift-tools-version: 6.2
import PackageDescription

// One executable for all fuzz targets: libFuzzer brings `main`, and SUBNET_FUZZ_TARGET says which target it
// calls. dev/fuzz builds it with coverage instrumentation; a plain `swift build` here cannot link.
let package = Package(
    name: "Fuzz",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "subnet", path: "..")],
    targets: [
        .executableTarget(
            name: "FuzzTarget",
            dependencies: [.product(name: "SubnetFuzzing", package: "subnet")],
            swiftSettings: [
                .swiftLanguageMode(.v6),
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("InternalImportsByDefault"),
                .treatAllWarnings(as: .error),
                // Without a `main` of ours the compiler would take a lone file for a script.
                .unsafeFlags(["-parse-as-library"]),
            ])
    ]
)
