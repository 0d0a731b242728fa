internal import NIOCore
internal import SubnetRPC

/// Fuzz entries of the RPC layer: any bytes either decode or are refused, and what decodes survives a round
/// trip.
public enum RPCFuzz {
    /// Feeds bytes to both ends of the native wire and to the template wire; the first byte chooses how they
    /// are cut.
    public static func decode(_ bytes: UnsafeRawBufferPointer) {
        guard let first = bytes.first else { return }
        let piece = max(1, Int(first))
        let rest = ByteBuffer(bytes: bytes.dropFirst())
        Self.client(rest, piece)
        Self.server(rest, piece)
        Self.template(rest, piece)
        Self.roundTrip(rest)
    }

    private static func client(_ bytes: ByteBuffer, _ piece: Int) {
        let head = CallHead(
            method: fuzzMethod.descriptor, peer: .local("fuzz"), deadline: .uptimeNanoseconds(1_000_000))
        var call = NativeClientCall(head: head, limits: Self.limits)
        for part in Self.pieces(bytes, piece) {
            call.received(part)
            do { while try call.next() != nil {} } catch { return }
        }
        call.receivedEnd()
        do { while try call.next() != nil {} } catch { return }
    }

    private static func server(_ bytes: ByteBuffer, _ piece: Int) {
        var call = NativeServerCall(limits: Self.limits)
        for part in Self.pieces(bytes, piece) {
            call.received(part)
            do { while try call.next() != nil {} } catch { return }
        }
        call.receivedEnd()
        do { while try call.next() != nil {} } catch { return }
    }

    private static func template(_ bytes: ByteBuffer, _ piece: Int) {
        var reader = TemplateFrameReader(bodyBytesMax: 1 << 16)
        for part in Self.pieces(bytes, piece) {
            guard let body = try? reader.received(part) else { continue }
            precondition(body.readableBytes <= 1 << 16, "a body over its limit")
            return
        }
    }

    /// What the reader accepts, the writer writes in a form that reads the same.
    private static func roundTrip(_ bytes: ByteBuffer) {
        var reader = NativeFrameReader(limits: Self.limits)
        reader.received(bytes)
        while let frame = try? reader.next() {
            var output = NativeOutput()
            switch frame {
            case .call(let header): NativeFrameWriter.write(header, into: &output.frames)
            case .fields: continue
            case .message(let message): NativeFrameWriter.write(WireItem(bytes: message), into: &output)
            case .lastMessage(let message):
                NativeFrameWriter.write(WireItem(bytes: message, isLast: true), into: &output)
            case .end: NativeFrameWriter.writeEnd(into: &output.frames)
            case .status(let status):
                // A mended sentence may grow past the limit and be cut again; codes and waits must stand.
                NativeFrameWriter.write(status, into: &output.frames, limits: Self.limits)
            }
            var again = NativeFrameReader(limits: Self.limits)
            again.received(output.joined)
            guard let second = try? again.next() else {
                preconditionFailure("what was written does not read")
            }
            if case .status(let left) = frame, case .status(let right) = second {
                precondition(left.code == right.code && left.retryAfter == right.retryAfter)
            } else {
                precondition(frame == second, "a frame changed on a round trip")
            }
        }
    }

    private static func pieces(_ bytes: ByteBuffer, _ size: Int) -> [ByteBuffer] {
        var rest = bytes
        var pieces: [ByteBuffer] = []
        while rest.readableBytes > 0, let piece = rest.readSlice(length: min(size, rest.readableBytes)) {
            pieces.append(piece)
        }
        return pieces
    }

    private static let limits: NativeLimits = {
        var limits = NativeLimits()
        limits.messageBytesMax = 1 << 16
        return limits
    }()
}

private let fuzzMethod = Method.unary(
    "Fuzz.call",
    MessageCoding<ByteBuffer>(name: "bytes", encode: { $0 }, decode: { $0 }),
    MessageCoding<ByteBuffer>(name: "bytes", encode: { $0 }, decode: { $0 }))
