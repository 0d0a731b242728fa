/// Which side of the connection a session is; decides the parity of the stream ids it opens.
package enum YamuxRole: Sendable, Hashable {
    /// The side that dialled: odd ids, from 1.
    case client
    /// The side that listened: even ids, from 2.
    case server

    /// The first stream id that this side opens.
    var firstStreamID: UInt32 {
        switch self {
        case .client: 1
        case .server: 2
        }
    }

    /// Whether streams with this id are opened by this side.
    func opens(_ id: UInt32) -> Bool {
        (id & 1 == 1) == (self == .client)
    }
}
