internal import BittensorCore
internal import NIOCore
internal import SubnetRPC
internal import Synchronization

/// What the HTTP side of a call and its handler behind the router share: the synapse goes to the handler and
/// back as the value it is, instead of through JSON once more.
///
/// The router, its limits, deadline, interceptors and metrics see the call as any other; only its messages
/// have no bytes. The exchange is found through a task-local value, so a peer of another wire cannot make one
/// up. Handlers and postprocess run without it: the calls that they make are calls of their own.
final class SynapseExchange: Sendable {
    @TaskLocal static var current: SynapseExchange?

    /// Who signed the request.
    let caller: VerifiedCaller
    /// Where it came from.
    let remoteIP: String
    let remotePort: Int

    private struct State {
        var request: (any Sendable)?
        var response: (any Sendable)?
        var failure: (any Error)?
    }
    private let state: Mutex<State>

    init(_ request: any Sendable, caller: VerifiedCaller, remoteIP: String, remotePort: Int) {
        self.caller = caller
        self.remoteIP = remoteIP
        self.remotePort = remotePort
        self.state = Mutex(State(request: request))
    }

    /// The request, once.
    func takeRequest<S: Sendable>(as: S.Type) -> S? {
        self.state.withLock { $0.request.take() } as? S
    }

    func setResponse(_ response: any Sendable) { self.state.withLock { $0.response = response } }
    func takeResponse<S: Sendable>(as: S.Type) -> S? { self.state.withLock { $0.response.take() } as? S }

    /// What the handler threw, which the router does not pass on as it is.
    func setFailure(_ failure: any Error) { self.state.withLock { $0.failure = failure } }
    var failure: (any Error)? { self.state.withLock { $0.failure } }
}

extension MessageCoding where Message: Synapse {
    /// The coding of a synapse, which takes the short way when the call came over HTTP into the same process.
    static var exchanged: MessageCoding<Message> {
        let coding = Message.coding
        return MessageCoding(
            name: coding.name,
            encode: { message in
                guard let exchange = SynapseExchange.current else { return try coding.encode(message) }
                exchange.setResponse(message)
                return ByteBuffer()
            },
            decode: { bytes in
                if bytes.readableBytes == 0,
                    let request = SynapseExchange.current?.takeRequest(as: Message.self)
                {
                    return request
                }
                return try coding.decode(bytes)
            })
    }
}
