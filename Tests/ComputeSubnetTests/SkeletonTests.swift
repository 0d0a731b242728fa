internal import Testing

@testable internal import ComputeSubnet

@Suite struct ComputeSubnetSkeletonTests {}
