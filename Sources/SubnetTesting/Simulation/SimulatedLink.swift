internal import NIOCore
internal import NIOEmbedded

/// Two channels and what is in flight between them.
///
/// - Important: `@unchecked Sendable` because it is confined to the network's thread.
final class SimulatedLink: @unchecked Sendable {
    let number: Int
    let nodes: NodePair
    private unowned let network: SimulatedNetwork
    private let options: LinkOptions
    private var ends: [LinkEnd] = []
    private(set) var isOver = false

    init(number: Int, nodes: NodePair, network: SimulatedNetwork) {
        self.number = number
        self.nodes = nodes
        self.network = network
        self.options = network.options
    }

    /// Puts both nodes' handlers in and opens. The dialer is ready first.
    func open(dialer: (any Channel) throws -> Void, listener: (any Channel) throws -> Void) throws {
        for index in 0..<2 {
            self.ends.append(LinkEnd(link: self, index: index, loop: self.network.embedded))
        }
        do {
            try listener(self.ends[1].channel)
            try dialer(self.ends[0].channel)
        } catch {
            self.cut()
            throw error
        }
        for end in self.ends { end.activate() }
    }

    /// Both ends die at once, with what was in flight.
    func cut() {
        guard !self.isOver else { return }
        self.isOver = true
        for end in self.ends { end.channel.close(promise: nil) }
        self.network.ended(self)
    }

    /// A node wrote: its bytes go on their way, perhaps in several pieces.
    func wrote(_ bytes: ByteBuffer, from index: Int) {
        guard !self.isOver else { return }
        let sender = self.ends[index]
        sender.inFlight += bytes.readableBytes
        self.network.noteInFlight(sender.inFlight)
        sender.updateWritability(limit: self.options.socketBufferBytes)
        var rest = bytes
        while rest.readableBytes > 0 {
            var length = min(rest.readableBytes, self.options.pieceBytesMax)
            if self.options.splitOneIn > 0, self.network.below(self.options.splitOneIn) == 0 {
                length = 1 + self.network.below(length)
            }
            guard let piece = rest.readSlice(length: length) else { return }
            self.deliver(piece, from: index)
        }
    }

    private func deliver(_ piece: ByteBuffer, from index: Int) {
        let sender = self.ends[index]
        let count = piece.readableBytes
        var arrival = self.network.arrival(between: self.nodes)
        if let rate = self.options.bytesPerSecond {
            let start = max(sender.lineFreeAt, self.network.now)
            sender.lineFreeAt = start + .nanoseconds(Int64(count) * 1_000_000_000 / rate)
            arrival = max(arrival, sender.lineFreeAt + self.options.latency)
        }
        // A stream keeps its order whatever the jitter says.
        arrival = max(arrival, sender.lastArrival)
        sender.lastArrival = arrival
        _ = self.network.embedded.scheduleTask(deadline: arrival) { self.arrived(piece, count, from: index) }
    }

    private func arrived(_ piece: ByteBuffer, _ count: Int, from index: Int) {
        guard !self.isOver else { return }
        let sender = self.ends[index]
        let receiver = self.ends[1 - index]
        sender.inFlight -= count
        self.network.delivered(self.number, index, count)
        if receiver.channel.isActive {
            receiver.channel.pipeline.fireChannelRead(piece)
            receiver.channel.pipeline.fireChannelReadComplete()
        }
        sender.updateWritability(limit: self.options.socketBufferBytes)
    }

    /// One end closed: what it sent still arrives, then the other end sees the end.
    func closed(_ index: Int) {
        guard !self.isOver else { return }
        let arrival = max(self.network.arrival(between: self.nodes), self.ends[index].lastArrival)
        _ = self.network.embedded.scheduleTask(deadline: arrival) { self.cut() }
    }
}
