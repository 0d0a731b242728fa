internal import Testing

@testable internal import BittensorCore

@Suite struct BittensorCoreSkeletonTests {}
