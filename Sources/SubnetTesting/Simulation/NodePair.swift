/// Two nodes, in either order.
package struct NodePair: Hashable, Sendable {
    /// The smaller number.
    package let low: Int
    /// The greater number.
    package let high: Int

    /// A pair of nodes.
    package init(_ first: Int, _ second: Int) {
        self.low = min(first, second)
        self.high = max(first, second)
    }
}
