import Foundation
import NIOCore
import SubnetRPC
import SubnetServices
import SubnetTesting

extension PlannedCall {
    /// Makes the call and says how it ended. Returns nothing else: what came back is compared here.
    func perform(by node: SimulatedNode, to peer: RPCPeer, network: SimulatedNetwork) async -> Ending {
        do {
            let difference = try await self.difference(node, peer, network)
            return difference.map { .wrong($0) } ?? .answered
        } catch let error as RPCError {
            return .failed(error)
        } catch {
            return .untyped("\(error)")
        }
    }

    /// nil when the answer is right.
    private func difference(
        _ node: SimulatedNode, _ peer: RPCPeer, _ network: SimulatedNetwork
    ) async throws -> String? {
        let client = node.client
        let deadline = Duration.milliseconds(self.deadline)
        var order = Traffic.Order(offset: self.offset, bytes: self.bytes, count: self.count)
        switch self.kind {
        case .echo, .large:
            let sent = Payload.bytes(self.offset, self.bytes)
            let answer = try await client.call(Traffic.echo, sent, to: peer, deadline: deadline)
            return answer == sent ? nil : "\(answer.readableBytes) bytes of an echo"
        case .template:
            let sent = Array(Payload.bytes(self.offset, self.bytes).readableBytesView)
            var request = TaskRequest()
            request.taskID = "\(self.number)"
            request.payload = Data(sent)
            let answer = try await node.templateClient.call(
                TaskProtocol.submit, request, to: peer, deadline: deadline)
            return answer.accepted && answer.result.elementsEqual(sent.reversed()) ? nil : "\(answer.error)"
        case .slowReader:
            return try await self.read(order, client, peer) {
                try await network.pause(for: .milliseconds(Int64($0 % 40)))
            }
        case .leftEarly:
            order.count = 1000
            order.pause = 1
            let responses = try await client.call(Traffic.produce, order, to: peer, deadline: deadline)
            var seen = 0
            for try await item in responses {
                guard item == Payload.bytes(self.offset + seen, self.bytes) else { return "item \(seen)" }
                seen += 1
                if seen == self.count { break }
            }
            return nil
        case .collect:
            let answer = try await client.call(Traffic.collect, to: peer, deadline: deadline) { requests in
                for index in 0..<self.count {
                    try await requests.write(Payload.bytes(self.offset + index, self.bytes))
                }
            }
            return answer == self.joined ? nil : "\(answer.readableBytes) joined bytes"
        case .talk:
            let answer = try await client.call(Traffic.talk, to: peer, deadline: deadline) { requests in
                for index in 0..<self.count {
                    try await requests.write(Payload.bytes(self.offset + index, self.bytes))
                }
            } responses: { responses in
                var all = ByteBuffer()
                for try await response in responses { all.writeImmutableBuffer(response) }
                return all
            }
            return answer == self.joined ? nil : "\(answer.readableBytes) echoed bytes"
        case .refused, .crashed:
            order.outcome = self.kind == .refused ? .refuse : .crash
            order.pause = self.patience % 100
            _ = try await client.call(Traffic.work, order, to: peer, deadline: deadline)
            return "an answer from a handler that failed"
        case .expired:
            order.pause = self.deadline + 500
            _ = try await client.call(Traffic.work, order, to: peer, deadline: deadline)
            return "an answer after the deadline"
        case .cancelled:
            order.pause = self.patience + 500
            _ = try await client.call(Traffic.work, order, to: peer, deadline: deadline)
            return "an answer after the cancellation"
        }
    }

    private var joined: ByteBuffer {
        var all = ByteBuffer()
        for index in 0..<self.count {
            all.writeImmutableBuffer(Payload.bytes(self.offset + index, self.bytes))
        }
        return all
    }

    private func read(
        _ order: Traffic.Order, _ client: Client, _ peer: RPCPeer, pause: (Int) async throws -> Void
    ) async throws -> String? {
        let responses = try await client.call(
            Traffic.produce, order, to: peer, deadline: .milliseconds(self.deadline))
        var seen = 0
        for try await item in responses {
            guard item == Payload.bytes(self.offset + seen, self.bytes) else { return "item \(seen)" }
            seen += 1
            try await pause(self.patience)
        }
        return seen == self.count ? nil : "\(seen) items of \(self.count)"
    }
}
