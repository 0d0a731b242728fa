internal import LibP2PCore
internal import NIOCore
internal import Testing

@Suite("Yamux frame header")
struct YamuxFrameHeaderTests {
    private static let header = YamuxFrameHeader(
        type: .windowUpdate, flags: [.ack, .fin], streamID: 0x0102_0304, length: 0xA0B0_C0D0)
    private static let bytes: [UInt8] = [0, 1, 0, 6, 1, 2, 3, 4, 0xA0, 0xB0, 0xC0, 0xD0]

    @Test("A header is 12 big-endian bytes, both ways")
    func layout() throws {
        var buffer = ByteBuffer()
        Self.header.write(into: &buffer)
        #expect(Array(buffer.readableBytesView) == Self.bytes)
        #expect(try YamuxFrameHeader(reading: &buffer) == Self.header)
        #expect(buffer.readableBytes == 0)
    }

    @Test("A truncated header is nil and leaves its bytes", arguments: 0..<12)
    func truncation(count: Int) throws {
        var buffer = ByteBuffer(bytes: Self.bytes.prefix(count))
        #expect(try YamuxFrameHeader(reading: &buffer) == nil)
        #expect(buffer.readableBytes == count)
    }

    @Test("Versions other than 0 and types above 3 are refused")
    func unknown() {
        var version = ByteBuffer(bytes: [1] + Self.bytes.dropFirst())
        #expect { try YamuxFrameHeader(reading: &version) } throws: {
            ($0 as? YamuxError)?.code == .versionUnknown
        }
        var type = ByteBuffer(bytes: [0, 4] + Self.bytes.dropFirst(2))
        #expect { try YamuxFrameHeader(reading: &type) } throws: {
            ($0 as? YamuxError)?.code == .frameTypeUnknown
        }
    }
}
