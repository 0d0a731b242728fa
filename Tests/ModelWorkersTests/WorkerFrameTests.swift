internal import NIOCore
internal import Testing

@testable import ModelWorkers

@Suite("Frames of the worker wire")
struct WorkerFrameTests {
    private static let messages: [ByteBuffer] = [
        ByteBuffer(), ByteBuffer(string: "a"), ByteBuffer(repeating: 7, count: 127),
        ByteBuffer(repeating: 8, count: 128), ByteBuffer(repeating: 9, count: 300),
    ]

    private static var stream: ByteBuffer {
        var stream = ByteBuffer()
        for message in Self.messages {
            WorkerFrame.writeVarint(UInt64(message.readableBytes), into: &stream)
            stream.writeImmutableBuffer(message)
        }
        return stream
    }

    @Test("A stream cut at every byte gives the same messages")
    func everySplit() throws {
        let stream = Self.stream
        for cut in 0...stream.readableBytes {
            var decoder = WorkerFrameDecoder(frameBytesMax: 300)
            var rest = stream
            var messages: [ByteBuffer] = []
            if var head = rest.readSlice(length: cut) { decoder.append(&head) }
            while let message = try decoder.next() { messages.append(message) }
            decoder.append(&rest)
            while let message = try decoder.next() { messages.append(message) }
            #expect(messages == Self.messages)
            #expect(decoder.keptBytes == 0)
        }
    }

    @Test("A stream that arrives byte by byte gives the same messages")
    func byteByByte() throws {
        var decoder = WorkerFrameDecoder(frameBytesMax: 300)
        var messages: [ByteBuffer] = []
        for byte in Self.stream.readableBytesView {
            var piece = ByteBuffer(integer: byte)
            decoder.append(&piece)
            while let message = try decoder.next() { messages.append(message) }
        }
        #expect(messages == Self.messages)
    }

    @Test("A truncated frame is waited for and never delivered")
    func truncations() throws {
        var whole = ByteBuffer()
        WorkerFrame.writeVarint(200, into: &whole)
        whole.writeRepeatingByte(1, count: 200)
        for length in 0..<whole.readableBytes {
            var decoder = WorkerFrameDecoder(frameBytesMax: 300)
            var part = try #require(whole.getSlice(at: 0, length: length))
            decoder.append(&part)
            #expect(try decoder.next() == nil)
            #expect(decoder.keptBytes == length)
        }
    }

    @Test("A frame over the limit is refused by its length, before its bytes")
    func oversized() {
        var decoder = WorkerFrameDecoder(frameBytesMax: 300)
        var bytes = ByteBuffer()
        WorkerFrame.writeVarint(301, into: &bytes)
        decoder.append(&bytes)
        #expect(code { _ = try decoder.next() } == .frameTooLarge)
    }

    @Test("A length of more than five bytes is refused")
    func overlongLength() {
        var decoder = WorkerFrameDecoder(frameBytesMax: 300)
        var bytes = ByteBuffer(repeating: 0x80, count: 5)
        decoder.append(&bytes)
        #expect(code { _ = try decoder.next() } == .protocolViolation)
    }

    @Test("A long stream of small frames does not make the buffer grow")
    func bounded() throws {
        var decoder = WorkerFrameDecoder(frameBytesMax: 1 << 20)
        var count = 0
        for _ in 0..<100 {
            var bytes = ByteBuffer()
            for _ in 0..<1000 {
                bytes.writeInteger(UInt8(10))
                bytes.writeRepeatingByte(1, count: 10)
            }
            // Half a frame stays behind each time.
            bytes.writeInteger(UInt8(4))
            decoder.append(&bytes)
            while try decoder.next() != nil { count += 1 }
            #expect(decoder.keptBytes <= 1)
            var rest = ByteBuffer(repeating: 2, count: 4)
            decoder.append(&rest)
            while try decoder.next() != nil { count += 1 }
        }
        #expect(count == 100 * 1001)
    }
}
