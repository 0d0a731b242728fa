import NIOCore
import Testing

@testable import LibP2P

struct InputQueueTests {
    private typealias Queue = PeerStream.InputQueue

    private func everything(_ queue: Queue) -> [UInt8] {
        var queue = queue
        var all: [UInt8] = []
        while let bytes = queue.popFirst() { all += bytes.readableBytesView }
        return all
    }

    @Test func `bytes come out in order whatever their pieces`() {
        var queue = Queue()
        var expected: [UInt8] = []
        for (index, count) in [1, 5000, 3, 3, 4096, 1, 70_000, 2, 4095, 1, 1].enumerated() {
            let piece = [UInt8](repeating: UInt8(index), count: count)
            expected += piece
            queue.append(ByteBuffer(bytes: piece))
        }
        #expect(self.everything(queue) == expected)
    }

    @Test func `one piece is handed on as it came`() throws {
        var queue = Queue()
        let piece = ByteBuffer(repeating: 1, count: 60_000)
        queue.append(piece)
        let storage = piece.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) }
        let first = queue.popFirst()
        let taken = try #require(first)
        #expect(taken.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) } == storage)
        let second = queue.popFirst()
        #expect(second == nil)
    }

    @Test func `a hundred thousand single bytes out of large reads hold little more than their size`() {
        var queue = Queue()
        for round in 0..<100 {
            // One read of 64 KiB that carries a thousand pieces of this stream.
            var read = ByteBuffer()
            read.reserveCapacity(65_536)
            read.writeRepeatingByte(UInt8(round), count: 13_000)
            for index in 0..<1000 {
                if let slice = read.getSlice(at: index * 13 + 12, length: 1) { queue.append(slice) }
            }
        }
        #expect(queue.storageBytes <= 4 * 100_000)
        #expect(queue.count <= 30)
        #expect(self.everything(queue).count == 100_000)
    }

    @Test func `one byte does not hold the read that it came in`() throws {
        var queue = Queue()
        var read = ByteBuffer()
        read.reserveCapacity(65_536)
        read.writeRepeatingByte(1, count: 60_000)
        queue.append(try #require(read.getSlice(at: 100, length: 1)))
        #expect(queue.storageBytes <= 64)
    }

    @Test func `removing everything leaves an empty queue`() {
        var queue = Queue()
        for _ in 0..<10 { queue.append(ByteBuffer(repeating: 1, count: 5000)) }
        queue.removeAll()
        #expect(queue.count == 0 && queue.storageBytes == 0)
    }
}
