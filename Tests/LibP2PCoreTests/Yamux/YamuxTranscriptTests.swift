internal import LibP2PCore
internal import NIOCore
internal import Testing

@Suite("Yamux transcript")
struct YamuxTranscriptTests {
    /// Every legal form of a frame, as a server receives them; stream 2 was opened by the server.
    private static let transcript: [UInt8] = [
        YamuxTestFrame.data(1, flags: .syn), .credit(3, 0, flags: .syn), .credit(5, 1000, flags: .syn),
        .data(7, [1, 2, 3], flags: .syn), .data(9, [4, 5], flags: [.syn, .fin]),
        .data(11, flags: [.syn, .rst]),
        .credit(2, 50, flags: .ack), .ping(77, flags: .syn), .data(1, [6, 7, 8, 9]), .credit(3, 10),
        .data(2, [1], flags: .ack), .data(3, [1, 2], flags: .fin), .credit(1, 0, flags: .fin),
        .data(7, [1, 2], flags: .rst), .credit(5, 0, flags: .rst), .goAway(0),
    ].flatMap(\.bytes)

    /// Events with the data of each stream joined, so that pieces do not matter.
    private struct Outcome: Equatable {
        var events: [YamuxEvent] = []
        var data: [UInt32: [UInt8]] = [:]

        mutating func add(_ event: YamuxEvent) {
            guard case .data(let id, let bytes) = event else { return events.append(event) }
            data[id, default: []] += Array(bytes.readableBytesView)
        }
    }

    private func run(_ pieces: [[UInt8]]) throws -> Outcome {
        let script = YamuxScript(.server)
        _ = try script.open()
        var outcome = Outcome()
        for piece in pieces {
            try script.receive(bytes: piece)
            for event in script.events() { outcome.add(event) }
        }
        return outcome
    }

    @Test("Every legal form of a frame is understood")
    func whole() throws {
        let outcome = try run([Self.transcript])
        #expect(
            outcome.events == [
                .streamOpened(1), .streamOpened(3), .streamOpened(5), .streamOpened(7), .streamOpened(9),
                .remoteClosedWrite(9), .streamOpened(11), .reset(11), .streamAcknowledged(2),
                .remoteClosedWrite(3), .remoteClosedWrite(1), .reset(7), .reset(5), .goAway(.normal),
            ])
        #expect(outcome.data == [1: [6, 7, 8, 9], 2: [1], 3: [1, 2], 7: [1, 2, 3], 9: [4, 5]])
    }

    @Test("Every split into two pieces, and single bytes, tell the same")
    func splits() throws {
        let whole = try run([Self.transcript])
        for index in 0...Self.transcript.count {
            let pieces = [Array(Self.transcript[..<index]), Array(Self.transcript[index...])]
            #expect(try run(pieces) == whole, "split at \(index)")
        }
        #expect(try run(Self.transcript.map { [$0] }) == whole)
    }

    @Test("Every truncation is a beginning of the whole, without a fault")
    func truncations() throws {
        let whole = try run([Self.transcript])
        for count in 0..<Self.transcript.count {
            let part = try run([Array(Self.transcript.prefix(count))])
            #expect(whole.events.starts(with: part.events), "cut at \(count)")
            for (id, bytes) in part.data {
                #expect(whole.data[id]?.starts(with: bytes) == true, "cut at \(count)")
            }
        }
    }

    @Test("Data is delivered as it comes, as slices, before its frame is whole")
    func pieces() throws {
        let script = YamuxScript(.server)
        let bytes = YamuxTestFrame.data(1, count: 100_000, flags: .syn).bytes
        try script.receive(bytes: Array(bytes.prefix(13)))
        #expect(script.events() == [.streamOpened(1), .data(1, ByteBuffer(bytes: [7]))])
        try script.receive(bytes: Array(bytes.dropFirst(13)))
        #expect(script.events() == [.data(1, ByteBuffer(repeating: 7, count: 99_999))])
    }
}
