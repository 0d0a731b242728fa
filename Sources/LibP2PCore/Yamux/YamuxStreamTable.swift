internal import NIOCore

/// The open streams of a session, by id. Records of closed streams are kept and opened again.
///
/// Bounded by the limits on streams: the session asks before it inserts.
struct YamuxStreamTable {
    /// All records ever needed at once; queues link them by their place here.
    private(set) var records: ContiguousArray<YamuxStream> = []
    private var free: ContiguousArray<Int32> = []
    private var slots: [UInt32: Int32] = [:]

    // A batch of input or output names the same stream many times over.
    private var foundID: UInt32 = 0
    private var foundSlot: Int32 = -1

    /// Number of open streams.
    var count: Int { slots.count }

    /// The ids of all open streams, in no order.
    var ids: some Collection<UInt32> { slots.keys }

    /// The open stream with this id.
    mutating func find(_ id: UInt32) -> YamuxStream? {
        if id == foundID, foundSlot >= 0 { return records[Int(foundSlot)] }
        guard let slot = slots[id] else { return nil }
        foundID = id
        foundSlot = slot
        return records[Int(slot)]
    }

    /// The open stream with this id, for readers that may not remember it.
    func peek(_ id: UInt32) -> YamuxStream? {
        slots[id].map { records[Int($0)] }
    }

    /// Opens a record. The id must not be in the table.
    mutating func insert(id: UInt32, isLocal: Bool, now: NIODeadline) -> YamuxStream {
        let stream: YamuxStream
        if let slot = free.popLast() {
            stream = records[Int(slot)]
        } else {
            stream = YamuxStream(slot: Int32(records.count))
            records.append(stream)
        }
        stream.open(id: id, isLocal: isLocal, now: now)
        slots[id] = stream.slot
        foundID = id
        foundSlot = stream.slot
        return stream
    }

    /// Forgets a stream. It must be in neither queue.
    mutating func remove(_ stream: YamuxStream) {
        if foundSlot == stream.slot { foundSlot = -1 }
        slots[stream.id] = nil
        stream.close()
        free.append(stream.slot)
    }
}

/// A first-in first-out queue of streams, linked through their records: joining, leaving from anywhere and
/// rotating allocate nothing. A stream is in it at most once.
struct YamuxStreamQueue {
    /// Which pair of links in the record belongs to the queue.
    enum Kind {
        case control
        case ready
    }

    /// The neighbours of a record in one queue, as slots; -1 is none.
    struct Link {
        var previous: Int32 = -1
        var next: Int32 = -1
        var isMember = false
    }

    let kind: Kind
    private var head: Int32 = -1
    private var tail: Int32 = -1

    init(_ kind: Kind) {
        self.kind = kind
    }

    var isEmpty: Bool { head < 0 }

    /// The stream whose turn it is.
    func first(in table: borrowing YamuxStreamTable) -> YamuxStream? {
        head < 0 ? nil : table.records[Int(head)]
    }

    /// Adds a stream at the end, unless it is in the queue.
    mutating func append(_ stream: YamuxStream, in table: borrowing YamuxStreamTable) {
        guard !stream.link(kind).isMember else { return }
        stream.setLink(kind, Link(previous: tail, next: -1, isMember: true))
        if tail >= 0 {
            let last = table.records[Int(tail)]
            var link = last.link(kind)
            link.next = stream.slot
            last.setLink(kind, link)
        } else {
            head = stream.slot
        }
        tail = stream.slot
    }

    /// Takes a stream out, wherever it stands.
    mutating func remove(_ stream: YamuxStream, in table: borrowing YamuxStreamTable) {
        let link = stream.link(kind)
        guard link.isMember else { return }
        stream.setLink(kind, Link())
        if link.previous >= 0 {
            let previous = table.records[Int(link.previous)]
            var neighbour = previous.link(kind)
            neighbour.next = link.next
            previous.setLink(kind, neighbour)
        } else {
            head = link.next
        }
        if link.next >= 0 {
            let next = table.records[Int(link.next)]
            var neighbour = next.link(kind)
            neighbour.previous = link.previous
            next.setLink(kind, neighbour)
        } else {
            tail = link.previous
        }
    }
}

extension YamuxStream {
    /// The stream's links in the queue of a kind.
    @inline(__always)
    func link(_ kind: YamuxStreamQueue.Kind) -> YamuxStreamQueue.Link {
        switch kind {
        case .control: controlLink
        case .ready: readyLink
        }
    }

    /// Sets the stream's links in the queue of a kind.
    @inline(__always)
    func setLink(_ kind: YamuxStreamQueue.Kind, _ link: YamuxStreamQueue.Link) {
        switch kind {
        case .control: controlLink = link
        case .ready: readyLink = link
        }
    }
}
