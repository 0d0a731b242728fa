/// The protocols a node serves at this moment, asked when a peer proposes one.
///
/// Handlers come and go while connections live, so the answer may differ from one stream to the next.
package protocol ServedProtocols {
    /// Whether a stream may speak `protocolID`.
    func serves(_ protocolID: String) -> Bool
    /// All ids, for multistream's `ls`.
    func list() -> [String]
}

/// A fixed list.
package struct OfferedProtocols: ServedProtocols, Sendable {
    private let ids: [String]

    package init(ids: [String]) { self.ids = ids }

    package func serves(_ protocolID: String) -> Bool { self.ids.contains(protocolID) }
    package func list() -> [String] { self.ids }
}
