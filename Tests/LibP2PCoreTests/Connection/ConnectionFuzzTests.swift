import LibP2PIdentity
import NIOCore
import SubnetFuzzing
import Testing

@testable import LibP2PCore

struct ConnectionFuzzTests {
    @Test func `mutations of an honest connection keep every invariant`() throws {
        let pair = try CorePair()
        pair.run()
        var random = FuzzBytes(state: 7)
        for (run, seed) in [
            (ConnectionFuzz.listener, pair.fromDialer), (ConnectionFuzz.dialer, pair.fromListener),
        ] {
            for _ in 0..<40 {
                var bytes = [random.next()] + seed
                for _ in 0..<Int(random.next() % 4) {
                    bytes[Int(random.next()) % min(bytes.count, 256)] = random.next()
                }
                run(bytes)
            }
        }
    }

    @Test func `mutations of frames on an established connection keep every invariant`() throws {
        var frames = ByteBuffer()
        for id in stride(from: UInt32(1), to: 9, by: 2) {
            YamuxFrameHeader(type: .data, flags: .syn, streamID: id, length: 0).write(into: &frames)
            let hello =
                [UInt8](arrayLiteral: 19) + Array("/multistream/1.0.0\n".utf8) + [12]
                + Array("/fuzz/1.0.0\n".utf8)
            YamuxFrameHeader(type: .data, flags: [], streamID: id, length: UInt32(hello.count + 5)).write(
                into: &frames)
            frames.writeBytes(hello + [1, 2, 3, 4, 5])
            YamuxFrameHeader(type: .windowUpdate, flags: [], streamID: id, length: 1000).write(into: &frames)
            YamuxFrameHeader(type: .data, flags: .fin, streamID: id, length: 0).write(into: &frames)
        }
        var random = FuzzBytes(state: 8)
        let seed = Array(frames.readableBytesView)
        for _ in 0..<30 {
            var bytes = [random.next()] + seed
            for _ in 0..<Int(random.next() % 5) { bytes[Int(random.next()) % bytes.count] = random.next() }
            ConnectionFuzz.established(bytes)
        }
    }

    @Test func `two honest ends never fall out whatever they do`() {
        var random = FuzzBytes(state: 9)
        for _ in 0..<30 { ConnectionFuzz.operations((0..<300).map { _ in random.next() }) }
    }
}

/// A small repeatable source of bytes.
private struct FuzzBytes {
    var state: UInt64

    mutating func next() -> UInt8 {
        self.state ^= self.state << 13
        self.state ^= self.state >> 7
        self.state ^= self.state << 17
        return UInt8(truncatingIfNeeded: self.state >> 24)
    }
}
