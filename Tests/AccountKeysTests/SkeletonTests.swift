internal import Testing

@testable internal import AccountKeys

@Suite struct AccountKeysSkeletonTests {}
