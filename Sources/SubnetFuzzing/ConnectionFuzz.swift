internal import Crypto
internal import LibP2PCore
internal import LibP2PIdentity
internal import NIOCore

/// Entry points for fuzzing a whole connection.
///
/// Each takes any bytes and traps where a hostile peer achieved what it must not: an identity without its
/// key, a second last word, memory that grows, bytes after the end; or where two honest ends lose a byte or
/// fall out with each other.
public enum ConnectionFuzz {
    /// Every entry point by name, for drivers.
    public static let all: [(name: String, run: @Sendable ([UInt8]) -> Void)] = [
        ("listener", listener), ("dialer", dialer), ("established", established), ("operations", operations),
    ]

    /// A dialer that sends anything, in pieces of a size that the first byte decides.
    public static func listener(_ bytes: [UInt8]) { self.handshake(.listener, bytes) }

    /// A listener that answers anything.
    public static func dialer(_ bytes: [UInt8]) { self.handshake(.dialer, bytes) }

    private static func handshake(_ role: ConnectionRole, _ bytes: [UInt8]) {
        let end = ConnectionFuzzEnd(role, seed: 1)
        end.receiveInPieces(bytes)
        // Nobody proves an id without the private keys of the channel.
        self.expect(!end.isAuthenticated)
        end.advance(by: .minutes(1))
        self.expect(end.lastWords == 1 && end.core.nextDeadline == nil)
        // What was still to be said before the end.
        _ = end.output()
        self.expect(end.bytesWritten < 8192)
        end.receive(ByteBuffer(repeating: 0, count: 10))
        self.expect(end.lastWords == 1 && !end.core.hasOutput)
    }

    /// A peer that proved its id and then sends any bytes through the cipher to the muxer and its streams.
    public static func established(_ bytes: [UInt8]) {
        let (dialer, listener) = self.pair()
        guard let first = bytes.first else { return }
        var rest = ByteBuffer(bytes: bytes.dropFirst())
        while let piece = rest.readSlice(length: min(Int(first) + 1, rest.readableBytes)),
            piece.readableBytes > 0
        {
            // Through the application's door of the other end: an honest record around hostile bytes.
            listener.receive(dialer.sealed(piece))
            _ = listener.output()
        }
        self.expect(listener.unread <= 1024 * 1024)
        listener.advance(by: .seconds(20))
        self.expect(listener.lastWords <= 1)
        listener.closeInput()
        self.expect(listener.lastWords == 1)
        self.expect(listener.core.streamCount <= 1024)
    }

    /// Two honest ends that do what the bytes say: open, write, read, end and reset streams, carry bytes in
    /// pieces, let time pass.
    public static func operations(_ bytes: [UInt8]) {
        let ends = self.pair()
        var program = bytes[...]
        while let operation = program.popFirst(), let argument = program.popFirst() {
            let (end, other) = operation & 0x80 == 0 ? (ends.0, ends.1) : (ends.1, ends.0)
            switch operation & 0x07 {
            case 0: end.open(isServed: argument & 1 == 0)
            case 1: end.write(stream: argument, count: Int(operation & 0x78) << 6 + 1)
            case 2: end.read(stream: argument)
            case 3: end.closeWrite(stream: argument)
            case 4: if argument & 3 == 0 { end.reset(stream: argument) }
            case 5: end.carry(to: other, piece: Int(argument) * 32 + 1)
            case 6: end.carry(to: other, piece: .max)
            default: end.advance(by: .milliseconds(Int64(argument)))
            }
        }
        for _ in 0..<200 where ends.0.core.hasOutput || ends.1.core.hasOutput {
            ends.0.carry(to: ends.1, piece: .max)
            ends.1.carry(to: ends.0, piece: .max)
            ends.0.readAll()
            ends.1.readAll()
        }
        for end in [ends.0, ends.1] {
            self.expect(end.lastWords == 0)
            for (id, count) in end.received {
                self.expect(count <= (end === ends.0 ? ends.1 : ends.0).sent[id, default: 0])
            }
        }
    }

    private static func pair() -> (ConnectionFuzzEnd, ConnectionFuzzEnd) {
        let dialer = ConnectionFuzzEnd(.dialer, seed: 1)
        let listener = ConnectionFuzzEnd(.listener, seed: 10)
        for _ in 0..<6 {
            dialer.carry(to: listener, piece: .max)
            listener.carry(to: dialer, piece: .max)
        }
        self.expect(dialer.core.isEstablished && listener.core.isEstablished)
        return (dialer, listener)
    }

    fileprivate static func expect(_ condition: Bool, line: UInt = #line) {
        if !condition { fatalError("an invariant of the connection broke, line \(line)") }
    }
}

/// One end of a connection under a fuzzer: a core and an application that remembers what it sent and got.
final class ConnectionFuzzEnd {
    private static let served = "/fuzz/1.0.0"
    private static let configurations: [UInt8: ConnectionConfiguration] = {
        var made: [UInt8: ConnectionConfiguration] = [:]
        for seed in [UInt8(1), 10] {
            guard let identity = try? PrivateKey(ed25519Seed: [UInt8](repeating: seed, count: 32)),
                let key = try? Curve25519.KeyAgreement.PrivateKey(
                    rawRepresentation: [UInt8](repeating: seed + 1, count: 32)),
                var configuration = try? ConnectionConfiguration(identity: identity, noiseStaticKey: key)
            else { continue }
            configuration.limits.streamsNegotiatingMax = 32
            configuration.limits.yamux.keepAliveInterval = nil
            configuration.limits.yamux.receiveWindowMax = 256 * 1024
            made[seed] = configuration
        }
        return made
    }()

    var core: ConnectionCore
    private(set) var isAuthenticated = false
    private(set) var lastWords = 0
    private(set) var bytesWritten = 0
    /// Bytes of streams by id, both directions.
    private(set) var sent: [UInt32: Int] = [:]
    private(set) var received: [UInt32: Int] = [:]
    private var inbox: [UInt32: Int] = [:]
    private var streams: [UInt32] = []
    private var now = NIODeadline.uptimeNanoseconds(1_000_000_000)

    var unread: Int { self.inbox.values.reduce(0, +) }

    init(_ role: ConnectionRole, seed: UInt8) {
        guard let configuration = Self.configurations[seed],
            let key = try? Curve25519.KeyAgreement.PrivateKey(
                rawRepresentation: [UInt8](repeating: seed + 2, count: 32))
        else { fatalError("no keys to fuzz with") }
        self.core = ConnectionCore(
            role: role, configuration: configuration, expectedPeer: nil, ephemeralKey: key, now: self.now)
    }

    func receiveInPieces(_ bytes: [UInt8]) {
        guard let first = bytes.first else { return }
        var rest = ByteBuffer(bytes: bytes.dropFirst())
        while let piece = rest.readSlice(length: min(Int(first) + 1, rest.readableBytes)),
            piece.readableBytes > 0
        {
            self.receive(piece)
            _ = self.output()
        }
    }

    func receive(_ bytes: ByteBuffer) {
        self.core.received(bytes, now: self.now, protocols: OfferedProtocols(ids: [Self.served]))
        self.act()
    }

    func closeInput() {
        self.core.inputClosed()
        self.act()
    }

    func advance(by time: TimeAmount) {
        self.now = self.now + time
        self.core.timerFired(now: self.now)
        self.act()
        if let deadline = self.core.nextDeadline { ConnectionFuzz.expect(deadline > self.now) }
    }

    func output() -> ByteBuffer {
        var all = ByteBuffer()
        while self.core.hasOutput {
            var piece = ByteBuffer()
            guard self.core.writeOutput(into: &piece, bytesMax: 16_384) else { break }
            ConnectionFuzz.expect(piece.readableBytes <= 16_384 + 8192)
            all.writeBuffer(&piece)
            self.act()
        }
        self.bytesWritten += all.readableBytes
        return all
    }

    func carry(to other: ConnectionFuzzEnd, piece: Int) {
        var bytes = self.output()
        while let part = bytes.readSlice(length: min(piece, bytes.readableBytes)), part.readableBytes > 0 {
            other.receive(part)
        }
    }

    /// A record of this end around any bytes.
    func sealed(_ bytes: ByteBuffer) -> ByteBuffer {
        var plain = bytes
        var output = ByteBuffer()
        self.core.sealForFuzzing(&plain, into: &output)
        return output
    }

    // MARK: The application

    func open(isServed: Bool) {
        guard let proposals = try? MultistreamProposals([isServed ? Self.served : "/nobody"]),
            let id = try? self.core.openStream(proposals, now: self.now)
        else { return }
        self.streams.append(id)
    }

    private func stream(_ index: UInt8) -> UInt32? {
        self.streams.isEmpty ? nil : self.streams[Int(index) % self.streams.count]
    }

    func write(stream index: UInt8, count: Int) {
        guard let id = self.stream(index) else { return }
        let start = self.sent[id, default: 0]
        if self.core.send(
            ByteBuffer(bytes: (start..<(start + count)).map { UInt8(truncatingIfNeeded: $0) }), on: id) > 0
        {
            self.sent[id] = start + count
        }
    }

    func read(stream index: UInt8) {
        guard let id = self.stream(index), let count = self.inbox.removeValue(forKey: id) else { return }
        self.core.consumed(count, on: id, now: self.now)
    }

    func readAll() {
        for (id, count) in self.inbox.sorted(by: { $0.key < $1.key }) {
            self.core.consumed(count, on: id, now: self.now)
        }
        self.inbox.removeAll()
    }

    func closeWrite(stream index: UInt8) {
        if let id = self.stream(index) { self.core.closeWrite(id) }
    }

    func reset(stream index: UInt8) {
        guard let id = self.stream(index) else { return }
        self.core.reset(id)
        self.forget(id)
    }

    private func forget(_ id: UInt32) {
        self.inbox[id] = nil
        self.streams.removeAll { $0 == id }
    }

    private func act() {
        while let action = self.core.nextAction() {
            switch action {
            case .authenticated:
                self.isAuthenticated = true
                self.core.admissionDecided(
                    true, now: self.now, protocols: OfferedProtocols(ids: [Self.served]))
            case .streamOpened(let id, let name):
                ConnectionFuzz.expect(name == Self.served)
                self.streams.append(id)
            case .data(let id, let bytes):
                ConnectionFuzz.expect(bytes.readableBytes > 0)
                self.inbox[id, default: 0] += bytes.readableBytes
                self.received[id, default: 0] += bytes.readableBytes
            case .streamFailed(let id, _), .reset(let id): self.forget(id)
            case .closed: self.lastWords += 1
            default: break
            }
        }
    }
}
