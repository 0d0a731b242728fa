import NIOCore
import SubnetRPC
import SwiftProtobuf
import Testing

@Suite("Values of a call")
struct ValueTests {
    @Test("a traceparent is read and written as the specification prints it")
    func traceparent() throws {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        let trace = try #require(TraceContext(traceparent: text))
        #expect(trace.traceparent == text)
        #expect(trace.traceIDHigh == 0x4bf9_2f35_77b3_4da6)
        #expect(trace.spanID == 0x00f0_67aa_0ba9_02b7)
        #expect(trace.flags == 1)
    }

    @Test(
        "a traceparent that is not one is refused",
        arguments: [
            "", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
            "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ])
    func badTraceparent(text: String) {
        #expect(TraceContext(traceparent: text) == nil)
    }

    @Test("metadata keeps order, has each name once, and knows bytes from text")
    func metadata() {
        var list: Metadata = ["b": "2", "a": "1"]
        list["b"] = "3"
        list[bytes: "raw"] = [0xFF]
        #expect(list.entries.map(\.name) == ["b", "a", "raw"])
        #expect(list["b"] == "3")
        #expect(list["raw"] == nil)
        #expect(list[bytes: "raw"] == [0xFF])
        list["a"] = nil
        #expect(list.count == 2)
    }

    @Test("names of metadata are lower-case ASCII of 1 to 64 bytes")
    func names() {
        for good in ["a", "x-y_z.0", String(repeating: "n", count: 64)] {
            #expect(Metadata.isValid(name: Array(good.utf8)), "\(good)")
        }
        for bad in ["", "A", "ä", "a b", "a\0", String(repeating: "n", count: 65)] {
            #expect(!Metadata.isValid(name: Array(bad.utf8)), "\(bad)")
        }
    }

    @Test("codes have the numbers of the wire, and an unknown number stays what it is")
    func codes() throws {
        #expect(RPCError.Code.cancelled.number == 1)
        #expect(RPCError.Code.deadlineExceeded.number == 4)
        #expect(RPCError.Code.unavailable.number == 14)
        #expect(RPCError.Code.unauthenticated.number == 16)
        #expect(RPCError.Code(number: 0) == nil)
        #expect(try #require(RPCError.Code(number: 99)).description == "code 99")
        #expect(RPCError.Code.notFound.description == "notFound")
    }

    @Test("a method knows its names on every wire")
    func names2() {
        let method = Words.upper.named("/words/1", on: .template).descriptor
        #expect(method.id(on: .native) == "/subnet/rpc/1.0.0/Words.upper")
        #expect(method.id(on: .hivemind) == "Words.upper")
        #expect(method.id(on: .template) == "/words/1")
        #expect(method.id(on: .synapse) == nil)
        #expect(method.kind == .unary)
        #expect(method.coding == "protobuf")
        let alone = Method.unary("Specs", [String].self, [String].self).descriptor
        #expect(alone.service == "")
        #expect(alone.fullName == "Specs")
        #expect(alone.coding == "json")
    }

    @Test("JSON has sorted keys and comes back as it was")
    func json() throws {
        let coding = MessageCoding<[String: Int]>.json
        let bytes = try coding.encode(["b": 1, "a": 2, "c/d": 3])
        #expect(String(buffer: bytes) == #"{"a":2,"b":1,"c/d":3}"#)
        #expect(try coding.decode(bytes) == ["b": 1, "a": 2, "c/d": 3])
        #expect(throws: (any Error).self) { try coding.decode(ByteBuffer(string: "{")) }
    }

    @Test("protobuf bytes are those of the message")
    func protobuf() throws {
        let coding = MessageCoding<Text>.protobuf
        #expect(try coding.encode(Text("hi")) == ByteBuffer(bytes: [0x0A, 2, 0x68, 0x69]))
        #expect(try coding.encode(Text()) == ByteBuffer())
        #expect(try coding.decode(ByteBuffer(bytes: [0x0A, 2, 0x68, 0x69])) == Text("hi"))
    }
}
