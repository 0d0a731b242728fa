import Crypto
import LibP2PIdentity
import NIOCore
import Testing

@testable import LibP2PCore

/// One end of a connection in memory: a core, what it serves, and a small application that echoes and
/// records.
final class CoreEnd {
    /// What a node serves; may change at any time.
    final class Served: ServedProtocols {
        var ids: [String]
        init(_ ids: [String]) { self.ids = ids }
        func serves(_ protocolID: String) -> Bool { self.ids.contains(protocolID) }
        func list() -> [String] { self.ids }
    }

    static let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
    static let echo = "/echo/1.0.0"

    var core: ConnectionCore
    let served = Served([CoreEnd.echo])
    var now = CoreEnd.start
    /// The gate's answer; nil keeps the peer waiting.
    var admits: Bool? = true
    /// What the dialer proposes once the connection stands; empty opens nothing.
    var proposals = [CoreEnd.echo]
    /// What it sends there at once, before it ends its direction.
    var hello = "hello"
    /// Every action in words.
    private(set) var trace: [String] = []
    private(set) var errors: [LibP2PError] = []
    private(set) var streamErrors: [LibP2PError] = []
    private(set) var received: [UInt32: String] = [:]
    private(set) var ended: Set<UInt32> = []
    private(set) var peer: AuthenticatedPeer?
    private(set) var streamID: UInt32?
    private var echoing: Set<UInt32> = []

    init(
        _ role: ConnectionRole, _ configure: (inout ConnectionConfiguration) -> Void = { _ in },
        expecting: PeerID? = nil
    ) throws {
        let seed: UInt8 = role == .dialer ? 10 : 20
        var configuration = try Self.configuration(seed)
        configure(&configuration)
        self.core = ConnectionCore(
            role: role, configuration: configuration, expectedPeer: expecting,
            ephemeralKey: try .init(rawRepresentation: [UInt8](repeating: seed + 2, count: 32)),
            now: Self.start)
    }

    /// Keys that follow from the seed, and one signature for all tests: a connection's bytes are the same in
    /// every run.
    static func configuration(_ seed: UInt8) throws -> ConnectionConfiguration {
        try Self.configurations[seed == 10 ? 0 : 1].get()
    }

    private static let configurations = [UInt8(10), 20].map { seed in
        Result {
            var configuration = try ConnectionConfiguration(
                identity: try PrivateKey(ed25519Seed: [UInt8](repeating: seed, count: 32)),
                noiseStaticKey: try .init(rawRepresentation: [UInt8](repeating: seed + 1, count: 32)))
            configuration.limits.yamux.keepAliveInterval = nil
            return configuration
        }
    }

    static func peerID(_ role: ConnectionRole) throws -> PeerID {
        PeerID(publicKey: try Self.configuration(role == .dialer ? 10 : 20).identity.publicKey)
    }

    /// Feeds bytes and runs the application.
    func receive(_ bytes: ByteBuffer) {
        self.core.received(bytes, now: self.now, protocols: self.served)
        self.act()
    }

    func receive(_ bytes: some Sequence<UInt8>) { self.receive(ByteBuffer(bytes: bytes)) }

    func close(_ cause: (any Error)? = nil) {
        self.core.inputClosed(cause: cause)
        self.act()
    }

    func advance(to time: NIODeadline) {
        self.now = time
        self.core.timerFired(now: time)
        self.act()
    }

    func decide(_ admitted: Bool) {
        self.core.admissionDecided(admitted, now: self.now, protocols: self.served)
        self.act()
    }

    /// Everything the core has to write, in pieces of about `bytesMax`.
    func output(bytesMax: Int = 65_536) -> ByteBuffer {
        var all = ByteBuffer()
        while self.core.hasOutput {
            var piece = ByteBuffer()
            guard self.core.writeOutput(into: &piece, bytesMax: bytesMax) else { break }
            all.writeBuffer(&piece)
            self.act()
        }
        return all
    }

    func act() {
        while let action = self.core.nextAction() { self.perform(action) }
    }

    private func perform(_ action: ConnectionAction) {
        switch action {
        case .startTLS: self.trace.append("startTLS")
        case .authenticated(let peer):
            self.peer = peer
            self.trace.append("authenticated \(peer.securityID)")
            if let admits { self.decide(admits) }
        case .established:
            self.trace.append("established")
            self.openStream()
        case .streamOpened(let id, let protocolID):
            self.trace.append("opened \(protocolID)")
            self.echoing.insert(id)
        case .streamNegotiated(_, let protocolID):
            self.trace.append("agreed \(protocolID)")
            if self.proposals.count > 1 { self.sendHello() }
        case .streamFailed(let id, let error):
            self.streamErrors.append(error)
            self.ended.insert(id)
            self.trace.append("failed \(error.code)")
        case .data(let id, let bytes):
            self.received[id, default: ""] += String(buffer: bytes)
            self.core.consumed(bytes.readableBytes, on: id, now: self.now)
            if self.echoing.contains(id) { self.core.send(bytes, on: id) }
        case .remoteClosedWrite(let id):
            self.ended.insert(id)
            self.trace.append("ended")
            if self.echoing.contains(id) { self.core.closeWrite(id) }
        case .reset(let id):
            self.ended.insert(id)
            self.trace.append("reset")
        case .writable, .streamEnded, .roundTrip: break
        case .goAway: self.trace.append("goAway")
        case .closed(let error):
            self.errors.append(error)
            self.trace.append("closed \(error.code)")
        }
    }

    func openStream() {
        guard self.core.role == .dialer, !self.proposals.isEmpty else { return }
        do {
            self.streamID = try self.core.openStream(try MultistreamProposals(self.proposals), now: self.now)
            if self.proposals.count == 1 { self.sendHello() }
        } catch { self.trace.append("open failed: \(error)") }
    }

    private func sendHello() {
        guard let id = self.streamID else { return }
        self.core.send(ByteBuffer(string: self.hello), on: id)
        self.core.closeWrite(id)
    }

    /// What the exchange led to at this end.
    var answer: String? { self.received.values.first }
    var hasEstablished: Bool { self.trace.contains("established") }
}

/// Two ends, and everything that crossed between them.
final class CorePair {
    let dialer: CoreEnd
    let listener: CoreEnd
    private(set) var fromDialer: [UInt8] = []
    private(set) var fromListener: [UInt8] = []

    init(
        expecting: PeerID? = nil, _ configure: (inout ConnectionConfiguration) -> Void = { _ in }
    ) throws {
        self.dialer = try CoreEnd(.dialer, configure, expecting: expecting)
        self.listener = try CoreEnd(.listener, configure)
    }

    /// Carries bytes until both are quiet: in pieces, or cut once where the byte number `split` goes to
    /// `end`.
    func run(
        piece: Int = .max, bytesMax: Int = 65_536, split: Int = .max, towards end: ConnectionRole = .dialer
    ) {
        var isQuiet = false
        while !isQuiet {
            isQuiet = true
            for (from, to) in [(self.dialer, self.listener), (self.listener, self.dialer)] {
                var bytes = from.output(bytesMax: bytesMax)
                guard bytes.readableBytes > 0 else { continue }
                isQuiet = false
                let carried = (from === self.dialer ? self.fromDialer : self.fromListener).count
                if from === self.dialer {
                    self.fromDialer += bytes.readableBytesView
                } else {
                    self.fromListener += bytes.readableBytesView
                }
                if to.core.role == end, split > carried, split < carried + bytes.readableBytes,
                    let part = bytes.readSlice(length: split - carried)
                {
                    to.receive(part)
                }
                while let part = bytes.readSlice(length: min(piece, bytes.readableBytes)),
                    part.readableBytes > 0
                {
                    to.receive(part)
                }
            }
        }
    }

    /// Hands over what waits in one direction.
    func carry(from: CoreEnd, to: CoreEnd) {
        let bytes = from.output()
        if bytes.readableBytes > 0 { to.receive(bytes) }
    }
}
