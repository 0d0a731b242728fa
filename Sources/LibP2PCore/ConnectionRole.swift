/// Which end of a connection we are.
///
/// The dialer opened the transport connection. In Noise it is the initiator, in TLS the client, in yamux it
/// numbers its streams odd.
package enum ConnectionRole: Sendable, Hashable {
    /// We dialled.
    case dialer
    /// We accepted.
    case listener
}
