internal import Testing

@testable internal import ContainerEngine

@Suite struct ContainerEngineSkeletonTests {}
