internal import NIOCore

/// What the session knows of one open stream.
///
/// A class, so that queued bytes are mutated in place, and reused: `YamuxStreamTable` keeps closed ones to
/// open again, because a call opens and closes a stream. References never leave the session.
///
/// Receive side: `receiveWindow + unread + owed == receiveWindowSize`, where `owed` is what the owner has
/// consumed and the peer has not been granted yet. It is negative for a while after the window shrank.
final class YamuxStream {
    /// Where this record stands in `YamuxStreamTable`; fixed.
    let slot: Int32

    var id: UInt32 = 0
    var isLocal = false
    /// The other side has taken the stream (for a stream of this side).
    var isAcknowledged = false
    /// FIN was read, or announced by a data frame whose body is being read.
    var isRemoteClosed = false
    /// FIN was written.
    var isLocalClosed = false

    // Control frames that wait for output.
    var needsSYN = false
    var needsACK = false
    var needsWindowUpdate = false

    // Receive side, in bytes.
    var receiveWindowSize = 0
    var receiveWindow = 0
    var unread = 0
    /// Consumed since `epochStart`: a whole window of it decides about growth.
    var epochConsumed = 0
    var epochStart = NIODeadline.uptimeNanoseconds(0)

    // Send side, in bytes.
    var sendWindow = 0
    /// All that was written since the stream opened.
    var sent = 0
    var queuedBytes = 0
    var isAboveLowWatermark = false
    var isFINQueued = false
    var deficit = 0
    private var queueHead = ByteBuffer()
    private var queueRest = CircularBuffer<ByteBuffer>(initialCapacity: 2)
    private var queueRestPeak = 0

    // Membership in the two queues of the scheduler.
    var controlLink = YamuxStreamQueue.Link()
    var readyLink = YamuxStreamQueue.Link()

    init(slot: Int32) {
        self.slot = slot
    }

    /// What has been consumed and not granted to the peer yet.
    var owed: Int {
        receiveWindowSize - receiveWindow - unread
    }

    /// Whether the round robin has something to write for this stream: data within the window, or its FIN.
    var isReady: Bool {
        queuedBytes > 0 ? sendWindow > 0 : isFINQueued
    }

    /// Makes the record that of a new stream.
    func open(id: UInt32, isLocal: Bool, now: NIODeadline) {
        self.id = id
        self.isLocal = isLocal
        isAcknowledged = false
        isRemoteClosed = false
        isLocalClosed = false
        needsSYN = isLocal
        needsACK = false
        needsWindowUpdate = false
        receiveWindowSize = YamuxLimits.initialWindow
        receiveWindow = YamuxLimits.initialWindow
        unread = 0
        epochConsumed = 0
        epochStart = now
        sendWindow = YamuxLimits.initialWindow
        sent = 0
        isAboveLowWatermark = false
        isFINQueued = false
        deficit = 0
    }

    /// Lets go of queued bytes; the record may be opened again.
    func close() {
        queuedBytes = 0
        queueHead = ByteBuffer()
        if queueRestPeak > 16 {
            // Kept capacity is for calls; a stream that queued many pieces gives it back.
            queueRest = CircularBuffer(initialCapacity: 2)
        } else if !queueRest.isEmpty {
            queueRest.removeAll(keepingCapacity: true)
        }
        queueRestPeak = 0
    }

    /// Pieces up to this size are copied together while they wait: a queue of single bytes would otherwise
    /// hold a hundred times its bytes, which a peer that does not read could bring about through any echo.
    static let joinedBytesMax = 4096

    /// Queues a slice to send.
    func enqueue(_ bytes: ByteBuffer) {
        let count = bytes.readableBytes
        if queuedBytes == 0 {
            queueHead = bytes
        } else if let last = queueRest.indices.last,
            queueRest[last].storageCapacity <= 2 * Self.joinedBytesMax,
            queueRest[last].readableBytes + count <= Self.joinedBytesMax
        {
            queueRest.modify(last) { _ = $0.writeImmutableBuffer(bytes) }
        } else {
            queueRest.append(bytes)
            queueRestPeak = max(queueRestPeak, queueRest.count)
        }
        queuedBytes += count
    }

    /// Copies `count` queued bytes, of as many slices as it takes, to the end of `output`.
    func dequeue(_ count: Int, into output: inout ByteBuffer) {
        var left = min(count, queuedBytes)
        queuedBytes -= left
        while left > 0 {
            let taken = min(left, queueHead.readableBytes)
            queueHead.withUnsafeReadableBytes { bytes in
                _ = output.writeBytes(UnsafeRawBufferPointer(rebasing: bytes.prefix(taken)))
            }
            queueHead.moveReaderIndex(forwardBy: taken)
            left -= taken
            if queueHead.readableBytes == 0 {
                queueHead = queueRest.popFirst() ?? ByteBuffer()
            }
        }
    }
}
