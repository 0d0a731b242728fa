internal import Testing

@testable internal import Bittensor

@Suite struct BittensorSkeletonTests {}
