internal import NIOCore
internal import SubnetRPC
internal import Testing

@testable internal import BittensorCore

/// A synapse is a method like any other: the same handler, registered once, answers without HTTP.
@Suite struct OtherWiresTests {
    enum Demo: RPCService {
        static let name = "Demo"
        static let echo = synapse(Echo.self)
        static let stream = streamingSynapse(Stream.self)
        static let methods = [echo.erased, stream.erased]
    }

    static func client() throws -> Client {
        // No deadline passes here, so no alarm is needed.
        let scheduler = WheelScheduler(clock: { .uptimeNanoseconds(1) }, arm: { _ in {} })
        let router = Router(scheduler: scheduler)
        try router.register(Demo.self) {
            $0.handle(Demo.echo) { echo, _ in
                var echo = echo
                echo.reply = "\(echo.message)x\(echo.count)"
                return echo
            }
            $0.handle(Demo.stream) { stream, _, responses in
                for word in stream.prompt.split(separator: " ") {
                    try await responses.write(ByteBuffer(string: String(word)))
                }
            }
        }
        let network = InProcessNetwork()
        network.attach(router, as: .local("server"))
        return Client(wire: network.wire(as: .local("client")), scheduler: scheduler)
    }

    @Test func unaryInProcess() async throws {
        let answer = try await Self.client().call(
            Demo.echo, Echo(message: "hi", count: 2), to: .local("server"))
        #expect(answer.reply == "hix2")
        #expect(answer.head.name == "Echo")
    }

    @Test func streamingInProcess() async throws {
        var stream = Stream(prompt: "alpha beta gamma")
        for try await chunk in try await Self.client().call(Demo.stream, stream, to: .local("server")) {
            stream.received(chunk)
        }
        #expect(stream.completion == "alphabetagamma")
    }

    @Test func aBodyThatIsNoSynapseIsRefused() throws {
        #expect(throws: (any Error).self) { try Echo.coding.decode(ByteBuffer(string: #"{"count":1}"#)) }
        let small = Echo.coding(limits: JSONLimits(bytesMax: 8))
        #expect(throws: (any Error).self) { try small.decode(ByteBuffer(string: #"{"message":"x"}"#)) }
    }
}
