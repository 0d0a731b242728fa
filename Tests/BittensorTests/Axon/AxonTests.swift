import AccountKeys
import Bittensor
import BittensorCore
import NIOCore
import NIOPosix
import SubnetRPC
import Synchronization
import Testing

/// An error of a handler whose text nobody outside may read.
private struct Secret: Error {}

/// An axon and a client of ours over real sockets: what comes back, and in which order things happen.
@Suite(.timeLimit(.minutes(1))) struct AxonTests {
    static let modes: [AxonMode] = [.strict(.init()), .compatible(.python105)]

    private static func configuration(_ mode: AxonMode) -> Axon.Configuration {
        var configuration = Axon.Configuration()
        configuration.mode = mode
        return configuration
    }

    @Test(arguments: 0..<2) func `an echo comes back with its status`(mode: Int) async throws {
        try await Stage.with(Self.configuration(Self.modes[mode])) { stage in
            try await stage.withDendrite { dendrite in
                for count in 1...3 {
                    let echo = await dendrite.call(Echo(message: "ä\n\"x", count: count), to: stage.address)
                    #expect(echo.head.dendrite.statusCode == 200)
                    #expect(echo.head.dendrite.statusMessage == "Success")
                    #expect(echo.reply == (count == 1 ? "ä\n\"x" : "ä\n\"xx\(count)"))
                    #expect(echo.isSuccess)
                }
                let ping = await dendrite.call(BaseSynapse(), to: stage.address)
                #expect(ping.isSuccess)
            }
        }
    }

    @Test func `a client of SDK 11 is believed too`() async throws {
        try await Stage.with { stage in
            var configuration = Dendrite.Configuration()
            configuration.signing = .btauth1
            try await stage.withDendrite(configuration) { dendrite in
                let echo = await dendrite.call(Echo(message: "hello"), to: stage.address)
                #expect(echo.reply == "hello")
                #expect(echo.isSuccess)
            }
        }
    }

    @Test(arguments: [false, true])
    func `handler and hooks run on the event loop only where they say that they are quick`(
        isQuick: Bool
    ) async throws {
        let onLoop = Mutex<[Bool]>([])
        let note = { @Sendable in
            let isOnLoop = MultiThreadedEventLoopGroup.currentEventLoop != nil
            onLoop.withLock { $0.append(isOnLoop) }
        }
        try await Stage.with(attach: { axon in
            var hooks = SynapseHooks<Simple>()
            hooks.runsOnEventLoop = isQuick
            hooks.blacklist = { _ in
                note()
                return .allowed
            }
            hooks.postprocess = { simple, _ in
                note()
                return simple
            }
            try axon.attach(Simple.self, hooks: hooks) { simple, _ in
                note()
                return simple
            }
        }) { stage in
            try await stage.withDendrite { dendrite in
                let answer = await dendrite.call(Simple(), to: stage.address)
                #expect(answer.isSuccess)
            }
        }
        #expect(onLoop.withLock { $0 } == [isQuick, isQuick, isQuick])
    }

    @Test(arguments: [(bytes: 1 << 10, isOnLoop: true), (bytes: 256 << 10, isOnLoop: false)])
    func `a large body keeps even a quick handler off the event loop`(
        bytes: Int, isOnLoop: Bool
    ) async throws {
        let onLoop = Mutex<[Bool]>([])
        try await Stage.with(attach: { axon in
            var hooks = SynapseHooks<Hashed>()
            hooks.runsOnEventLoop = true
            try axon.attach(Hashed.self, hooks: hooks) { hashed, _ in
                let isOnLoop = MultiThreadedEventLoopGroup.currentEventLoop != nil
                onLoop.withLock { $0.append(isOnLoop) }
                return hashed
            }
        }) { stage in
            try await stage.withDendrite { dendrite in
                let prompt = String(repeating: "x", count: bytes)
                let answer = await dendrite.call(Hashed(prompt: prompt), to: stage.address)
                #expect(answer.isSuccess)
            }
        }
        #expect(onLoop.withLock { $0 } == [isOnLoop])
    }

    @Test func `a handler knows who calls and whether the body is theirs`() async throws {
        let seen = Mutex<[(hotkey: String?, isBodyAuthenticated: Bool, claimed: String?)]>([])
        try await Stage.with(attach: { axon in
            try axon.attach(Simple.self) { simple, call in
                seen.withLock {
                    $0.append((call.hotkey, call.isBodyAuthenticated, simple.head.dendrite.hotkey))
                }
                #expect(call.remoteIP == "127.0.0.1")
                #expect(call.remainingTime > .seconds(1))
                #expect(call.context.peer.world == .bittensor)
                return simple
            }
        }) { stage in
            for signing in [Dendrite.Signing.synapse, .btauth1] {
                var configuration = Dendrite.Configuration()
                configuration.signing = signing
                try await stage.withDendrite(configuration) { dendrite in
                    let seen1 = await dendrite.call(Simple(), to: stage.address).isSuccess
                    #expect(seen1)
                }
            }
            let caller = stage.callerKey.ss58Address
            let calls = seen.withLock { $0 }
            #expect(calls.map(\.hotkey) == [caller, caller])
            #expect(calls.map(\.claimed) == [caller, caller])
            #expect(calls.map(\.isBodyAuthenticated) == [false, true])
        }
    }

    @Test(arguments: 0..<2) func `a handler sets the status of its reply`(mode: Int) async throws {
        try await Stage.with(
            Self.configuration(Self.modes[mode]),
            attach: { axon in
                try axon.attach(Simple.self) { simple, _ in
                    var simple = simple
                    simple.head.axon.statusCode = 418
                    simple.head.axon.statusMessage = "short and stout"
                    return simple
                }
            }
        ) { stage in
            try await stage.withDendrite { dendrite in
                let simple = await dendrite.call(Simple(), to: stage.address)
                #expect(simple.head.dendrite.statusCode == 418)
                #expect(simple.head.dendrite.statusMessage == "short and stout")
            }
        }
    }

    /// Every class of error that a handler can throw, with its status (bittensor-synapse §1.7).
    static let errors: [(error: SynapseError, status: Int)] = [
        (SynapseError(.run, "raised"), 500), (SynapseError(.postProcess, "raised"), 500),
        (SynapseError(.internalError, "raised"), 500), (SynapseError(.synapse, "raised"), 500),
        (SynapseError(.dendriteNone, "raised"), 500), (SynapseError(.unknownSynapse, "raised"), 404),
        (SynapseError(.notVerified, "raised"), 401), (SynapseError(.blacklisted, "raised"), 403),
        (SynapseError(.priority, "raised"), 503), (SynapseError(.invalidRequestName, "raised"), 400),
        (SynapseError(.timedOut, "raised"), 408),
    ]

    @Test(arguments: 0..<11) func `an error of a handler has its status and its text`(index: Int) async throws
    {
        let (error, status) = Self.errors[index]
        try await Stage.with(attach: { axon in
            try axon.attach(Simple.self) { _, _ in throw error }
        }) { stage in
            try await stage.withDendrite { dendrite in
                let simple = await dendrite.call(Simple(a: 7), to: stage.address)
                #expect(simple.head.dendrite.statusCode == status)
                #expect(simple.head.dendrite.statusMessage == "raised")
                #expect(simple.a == 7)
            }
        }
    }

    @Test(arguments: [true, false]) func `an unexpected error says nothing but a number`(isParsing: Bool)
        async throws
    {
        try await Stage.with(attach: { axon in
            try axon.attach(Simple.self) { _, _ in
                if isParsing { throw SynapseError(.parsing, "raised") }
                throw Secret()
            }
        }) { stage in
            try await stage.withDendrite { dendrite in
                let simple = await dendrite.call(Simple(), to: stage.address)
                #expect(simple.head.dendrite.statusCode == 500)
                let message = simple.head.dendrite.statusMessage ?? ""
                #expect(message.hasPrefix("Internal Server Error #"))
                #expect(message.count == "Internal Server Error #".count + 36)
            }
        }
    }

    @Test(arguments: 0..<2) func `hooks refuse with their statuses`(mode: Int) async throws {
        try await Stage.with(
            Self.configuration(Self.modes[mode]),
            attach: { axon in
                var denied = SynapseHooks<Denied>()
                denied.blacklist = { _ in .refused("hotkey not in allow list") }
                try axon.attach(Denied.self, hooks: denied) { synapse, _ in synapse }
                var picky = SynapseHooks<Picky>()
                picky.verify = { _ in throw SynapseError(.notVerified, "custom verify says no") }
                try axon.attach(Picky.self, hooks: picky) { synapse, _ in synapse }
                var simple = SynapseHooks<Simple>()
                simple.priority = { _ in throw Secret() }
                try axon.attach(Simple.self, hooks: simple) { synapse, _ in synapse }
            }
        ) { stage in
            try await stage.withDendrite { dendrite in
                let denied = await dendrite.call(Denied(), to: stage.address)
                #expect(denied.isBlacklisted)
                #expect(
                    denied.head.dendrite.statusMessage
                        == "Forbidden. Key is blacklisted: hotkey not in allow list.")
                let picky = await dendrite.call(Picky(), to: stage.address)
                #expect(picky.failedVerification)
                #expect(picky.head.dendrite.statusMessage == "Not Verified with error: custom verify says no")
                let simple = await dendrite.call(Simple(), to: stage.address)
                #expect(simple.head.dendrite.statusCode == 500)
            }
        }
    }

    @Test func `preprocess refuses first and postprocess has the last word`() async throws {
        var configuration = Axon.Configuration()
        configuration.preprocess = { head in
            if head.target == "/Denied" { throw SynapseError(.invalidRequestName, "not today") }
        }
        var hooks = SynapseHooks<Simple>()
        hooks.postprocess = { simple, _ in
            var simple = simple
            simple.a += 1
            return simple
        }
        try await Stage.with(
            configuration,
            attach: { [hooks] axon in
                try axon.attach(Simple.self, hooks: hooks) { simple, _ in
                    var simple = simple
                    simple.a *= 10
                    return simple
                }
                try axon.attach(Denied.self) { synapse, _ in synapse }
            }
        ) { stage in
            try await stage.withDendrite { dendrite in
                let seen2 = await dendrite.call(Simple(a: 4), to: stage.address).a
                #expect(seen2 == 41)
                let denied = await dendrite.call(Denied(), to: stage.address)
                #expect(denied.head.dendrite.statusCode == 400)
                #expect(denied.head.dendrite.statusMessage == "not today")
            }
        }
    }

    @Test func `an unknown name is 404 and strict mode does not list the others`() async throws {
        try await Stage.with { stage in
            try await stage.withDendrite { dendrite in
                let simple = await dendrite.call(Simple(), to: stage.address)
                #expect(simple.head.dendrite.statusCode == 404)
                #expect(simple.head.dendrite.statusMessage?.contains("Echo") == false)
            }
        }
        try await Stage.with(Self.configuration(.compatible(.python105))) { stage in
            try await stage.withDendrite { dendrite in
                let simple = await dendrite.call(Simple(), to: stage.address)
                #expect(simple.head.dendrite.statusCode == 404)
                #expect(
                    simple.head.dendrite.statusMessage
                        == "Synapse name 'Simple' not found. Available synapses ['Synapse', 'Echo']")
            }
        }
    }

    @Test func `a synapse is attached once, and only before the start`() async throws {
        try await Stage.with { stage in
            #expect(throws: BittensorError.self) {
                try stage.axon.attach(Simple.self) { simple, _ in simple }
            }
        }
        let axon = try Axon(hotkey: Keypair(uri: "//Axon"), logger: Stage.logger)
        try axon.attach(Simple.self) { simple, _ in simple }
        #expect(throws: BittensorError.self) { try axon.attach(Simple.self) { simple, _ in simple } }
    }

    @Test func `a port that is taken is said`() async throws {
        try await Stage.with { stage in
            var configuration = Axon.Configuration()
            configuration.port = stage.port
            let second = try Axon(hotkey: stage.axonKey, configuration: configuration, logger: Stage.logger)
            await #expect(throws: BittensorError.self) { try await second.run() }
            await #expect(throws: BittensorError.self) { _ = try await second.listening }
        }
    }

    @Test func `info says what a chain is told`() async throws {
        var configuration = Axon.Configuration()
        configuration.version = 183
        configuration.placeholder1 = 1
        configuration.placeholder2 = 2
        configuration.externalIP = "203.0.113.7"
        try await Stage.with(configuration) { stage in
            let info = stage.axon.info
            #expect(info.version == 183)
            #expect(info.ip == "203.0.113.7")
            #expect(info.port == stage.port)
            #expect(info.ipType == 4)
            #expect(info.hotkey == stage.axonKey.ss58Address)
            #expect(info.protocolNumber == 4)
            #expect((info.placeholder1, info.placeholder2) == (1, 2))
        }
    }

    @Test func `the same handler answers in process`() async throws {
        try await Stage.with { stage in
            let network = InProcessNetwork()
            let server = RPCPeer.local("axon")
            let table = network.attach(stage.axon.router, as: server)
            let client = Client(
                wire: network.wire(as: .local("caller")), scheduler: stage.axon.router.scheduler)
            var request = Echo(message: "hello", count: 2)
            // What a body claims of its sender counts nothing on a wire that has not checked it.
            request.head.dendrite.hotkey = "5Somebody"
            let echo = try await client.call(Axon.method(of: Echo.self), request, to: server)
            #expect(echo.reply == "hellox2")
            #expect(echo.head.dendrite.hotkey == nil)
            await table.shutdown()
        }
    }

    @Test func `a handler of an HTTP call calls others in process`() async throws {
        let network = InProcessNetwork()
        let server = RPCPeer.local("axon")
        try await Stage.with(attach: { axon in
            let client = Client(
                wire: network.wire(as: .local("caller")), scheduler: axon.router.scheduler)
            try axon.attach(Simple.self) { simple, _ in
                let echo = try await client.call(
                    Axon.method(of: Echo.self), Echo(message: "hello", count: 2), to: server)
                var simple = simple
                simple.a = echo.reply == "hellox2" ? 7 : 1
                return simple
            }
        }) { stage in
            let table = network.attach(stage.axon.router, as: server)
            try await stage.withDendrite { dendrite in
                let simple = await dendrite.call(Simple(), to: stage.address)
                #expect(simple.a == 7)
            }
            await table.shutdown()
        }
    }
}
