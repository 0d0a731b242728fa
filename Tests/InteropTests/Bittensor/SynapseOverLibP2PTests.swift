import AccountKeys
import Bittensor
import BittensorCore
import LibP2P
import LibP2PIdentity
import LibP2PRPC
import Logging
import NIOCore
import SubnetRPC
import Testing

/// The handlers of an axon behind libp2p's native wire: the same router, another world.
@Suite(.timeLimit(.minutes(1))) struct SynapseOverLibP2PTests {
    private static func host() throws -> Host {
        let configuration = HostConfiguration(
            identity: try PrivateKey.generate(.ed25519), listen: [try Multiaddr("/ip4/127.0.0.1/tcp/0")])
        return try Host(configuration, logger: Logger(label: "interop") { _ in SwiftLogNoOpLogHandler() })
    }

    @Test func `an attached synapse answers over libp2p too`() async throws {
        let axon = try Axon(
            hotkey: try Keypair(uri: "//InteropAxon"),
            logger: Logger(label: "interop") { _ in SwiftLogNoOpLogHandler() })
        try axon.attach(Echo.self) { echo, call in
            // No hotkey is proven here: the channel proves a libp2p peer, and every byte.
            #expect(call.hotkey == nil)
            #expect(call.context.peer.world == .libp2p)
            #expect(call.isBodyAuthenticated)
            #expect(echo.head.dendrite.hotkey == nil)
            var echo = echo
            echo.reply = echo.message
            return echo
        }
        try axon.attach(
            InteropSynapses.Pieces.self,
            streaming: { request, _, writer in
                for piece in ["alpha ", request.prompt] { try await writer.write(ByteBuffer(string: piece)) }
            })
        let (server, caller) = (try Self.host(), try Self.host())
        let serving = LibP2PRPCServer(host: server, router: axon.router)
        let address = try #require(try await server.start().first)
        _ = try await caller.start()
        let peer = try await caller.connect(to: address)
        let scheduler = caller.makeRPCScheduler()
        let client = Client(
            wire: LibP2PWire(host: caller, scheduler: scheduler, choice: .native), scheduler: scheduler)
        var request = Echo(message: "hello")
        request.head.dendrite.hotkey = "5Somebody"
        let echo = try await client.call(Axon.method(of: Echo.self), request, to: RPCPeer(peer))
        #expect(echo.reply == "hello")
        var text = ""
        let chunks = try await client.call(
            Axon.method(ofStream: InteropSynapses.Pieces.self), InteropSynapses.Pieces(prompt: "omega"),
            to: RPCPeer(peer))
        for try await chunk in chunks { text += String(buffer: chunk) }
        #expect(text == "alpha omega")
        await caller.stop()
        await server.stop()
        await serving.stop()
    }
}
