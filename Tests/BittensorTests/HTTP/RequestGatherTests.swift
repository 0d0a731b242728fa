import NIOCore
import NIOHTTP1
import Testing

@testable import Bittensor

/// How requests are put together, part by part.
@Suite struct RequestGatherTests {
    let budget = BodyBudget(bytesMax: 100)

    private func gather(bodyBytesMax: Int = 40) -> RequestGather {
        var limits = RequestGather.Limits(bodyBytesMax: bodyBytesMax)
        limits.pendingPartsMax = 8
        limits.drainBytesMax = 64
        return RequestGather(limits: limits, budget: self.budget)
    }

    private func head(_ length: Int? = nil) -> HTTPRequestHead {
        var head = HTTPRequestHead(version: .http1_1, method: .POST, uri: "/Echo")
        if let length { head.headers.add(name: "Content-Length", value: "\(length)") }
        return head
    }

    private func bytes(_ count: Int) -> ByteBuffer { ByteBuffer(repeating: 0x61, count: count) }

    @Test func `what came in one read is handed out whole`() {
        var gather = self.gather()
        #expect(gather.received(.head(self.head(6))) == nil)
        #expect(gather.received(.body(self.bytes(4))) == nil)
        #expect(gather.received(.body(self.bytes(2))) == nil)
        #expect(gather.received(.end(nil)) == nil)
        #expect(gather.batchEnded() == .whole(self.head(6), self.bytes(6)))
        #expect(gather.batchEnded() == nil)
        #expect(gather.replyEnded() == nil)
        #expect(gather.isWaiting == true)
        #expect(gather.mayRead == true)
    }

    @Test func `a body is read only when it is asked for`() {
        var gather = self.gather()
        #expect(gather.received(.head(self.head(10))) == nil)
        #expect(gather.received(.body(self.bytes(4))) == nil)
        #expect(gather.batchEnded() == .head(self.head(10)))
        #expect(gather.mayRead == false)
        #expect(self.budget.bytes == 0)
        #expect(gather.bodyWanted() == nil)
        #expect(gather.mayRead == true)
        #expect(self.budget.bytes == 10)
        #expect(gather.received(.body(self.bytes(6))) == nil)
        #expect(gather.received(.end(nil)) == .body(self.bytes(10)))
        #expect(gather.replyEnded() == nil)
        #expect(self.budget.bytes == 0)
    }

    @Test func `a declared length over the limit is refused before a byte is read`() {
        var gather = self.gather()
        _ = gather.received(.head(self.head(1 << 30)))
        #expect(gather.batchEnded() == .head(self.head(1 << 30)))
        #expect(gather.bodyWanted() == .failed(.bodyTooLarge))
        #expect(self.budget.bytes == 0)
        #expect(gather.mayRead == false)
    }

    @Test(arguments: [false, true]) func `a body without a length is counted`(inOneRead: Bool) {
        var gather = self.gather()
        _ = gather.received(.head(self.head()))
        if !inOneRead {
            #expect(gather.batchEnded() == .head(self.head()))
            #expect(gather.bodyWanted() == nil)
            #expect(gather.received(.body(self.bytes(40))) == nil)
            #expect(gather.received(.body(self.bytes(1))) == .failed(.bodyTooLarge))
        } else {
            _ = gather.received(.body(self.bytes(41)))
            _ = gather.received(.end(nil))
            #expect(gather.batchEnded() == .failed(.bodyTooLarge))
        }
        #expect(self.budget.bytes == 0)
    }

    @Test func `the bodies of all connections share one budget`() {
        var first = self.gather()
        var second = self.gather()
        var third = self.gather()
        _ = first.received(.head(self.head(40)))
        _ = first.batchEnded()
        #expect(first.bodyWanted() == nil)
        _ = second.received(.head(self.head(40)))
        _ = second.batchEnded()
        #expect(second.bodyWanted() == nil)
        _ = third.received(.head(self.head(40)))
        _ = third.batchEnded()
        #expect(third.bodyWanted() == .failed(.overloaded))
        #expect(self.budget.bytes == 80)
        #expect(first.bodyDeadlinePassed() == .failed(.bodyTooSlow))
        #expect(self.budget.bytes == 40)
    }

    @Test func `a connection that goes gives its memory back`() {
        do {
            var gather = self.gather()
            _ = gather.received(.head(self.head(30)))
            _ = gather.batchEnded()
            _ = gather.bodyWanted()
            #expect(self.budget.bytes == 30)
        }
        #expect(self.budget.bytes == 0)
    }

    @Test func `the next request waits for the end of the reply`() {
        var gather = self.gather()
        for _ in 0..<2 {
            _ = gather.received(.head(self.head()))
            _ = gather.received(.end(nil))
        }
        #expect(gather.batchEnded() == .whole(self.head(), ByteBuffer()))
        #expect(gather.mayRead == false)
        #expect(gather.replyEnded() == .whole(self.head(), ByteBuffer()))
        #expect(gather.replyEnded() == nil)
        #expect(gather.isWaiting == true)
    }

    @Test func `beside a whole request the socket is read until it brings something`() {
        var gather = self.gather()
        _ = gather.received(.head(self.head(30)))
        #expect(gather.batchEnded() == .head(self.head(30)))
        #expect(gather.mayRead == false)
        _ = gather.bodyWanted()
        _ = gather.received(.body(self.bytes(30)))
        #expect(gather.received(.end(nil)) != nil)
        #expect(gather.mayRead == true)
        #expect(gather.received(.head(self.head())) == nil)
        #expect(gather.batchEnded() == nil)
        #expect(gather.mayRead == false)
        #expect(gather.replyEnded() == .head(self.head()))
    }

    @Test func `too much ahead of a reply ends the connection`() {
        var gather = self.gather()
        _ = gather.received(.head(self.head()))
        _ = gather.received(.end(nil))
        _ = gather.batchEnded()
        for _ in 0..<9 { _ = gather.received(.head(self.head())) }
        #expect(gather.isOver == true)
    }

    @Test func `after an early reply the rest is forgotten, within bounds`() {
        var gather = self.gather()
        _ = gather.received(.head(self.head(1000)))
        _ = gather.batchEnded()
        #expect(gather.isPartial == true)
        gather.drainWanted()
        #expect(gather.isDraining == true)
        #expect(gather.mayRead == true)
        #expect(gather.received(.body(self.bytes(64))) == nil)
        #expect(gather.isOver == false)
        #expect(gather.received(.body(self.bytes(1))) == nil)
        #expect(gather.isOver == true)
    }

    @Test func `what is not HTTP is refused, behind the request in hand`() {
        var first = self.gather()
        #expect(first.failed(.malformed) == .failed(.malformed))
        var second = self.gather()
        _ = second.received(.head(self.head()))
        _ = second.received(.end(nil))
        _ = second.batchEnded()
        #expect(second.failed(.malformed) == nil)
        #expect(second.replyEnded() == nil)
        #expect(second.isOver == true)
        var third = self.gather()
        _ = third.received(.head(self.head(10)))
        _ = third.batchEnded()
        #expect(third.failed(.malformed) == nil)
        #expect(third.bodyWanted() == .failed(.malformed))
    }
}
