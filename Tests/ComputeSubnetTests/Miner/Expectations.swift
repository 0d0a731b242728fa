import Testing

/// `#expect` of two values, for values that are awaited: the macro does not always compile with `try await`
/// inside.
func expectEqual<Value: Equatable>(
    _ actual: Value, _ expected: Value, _ comment: Comment? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(actual == expected, comment, sourceLocation: sourceLocation)
}

/// The same of a condition.
func expectTrue(
    _ isSo: Bool, _ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(isSo, comment, sourceLocation: sourceLocation)
}
