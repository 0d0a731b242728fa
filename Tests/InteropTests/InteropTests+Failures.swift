import LibP2P
import LibP2PIdentity
import SubnetRPC
import SubnetServices
import Testing

extension InteropTests {
    @Test(arguments: Lane.available)
    func `a protocol that is not served is refused and the connection goes on`(lane: Lane) async throws {
        await Self.check(.unknownProtocol, lane) { stage in
            switch lane.direction {
            case .weCall:
                let error = try await failure {
                    try await stage.node.client.call(
                        NobodysProtocol.submit, TaskRequest(), to: .libp2p(stage.peer.peerID),
                        deadline: .seconds(20))
                }
                try #require(error.code == .unimplemented, "\(error)")
                try #require("\(error)".contains(NobodysProtocol.id), "\(error)")
                try #require(try await stage.node.call(stage.peer.peerID).accepted)
            case .itCalls:
                let answer = try await stage.peerCalls(["protocol": .text(NobodysProtocol.id), "timeout": 20])
                try #require(answer["failed"].int == 1, "\(answer.line)")
                try #require(
                    !answer.line.contains("TooSlow") && !answer.line.contains("Timeout"), "\(answer.line)")
                try #require(try await stage.peerCalls(["size": 64])["completed"].int == 1)
            }
        }
    }

    @Test(arguments: Lane.available)
    func `a handler that fails ends its stream without a byte and one that refuses says why`(
        lane: Lane
    ) async throws {
        await Self.check(.handlerFailure, lane) { stage in
            switch lane.direction {
            case .weCall:
                let error = try await failure { try await stage.node.call(stage.peer.peerID, id: "fail") }
                try #require(error.code == .unknown, "\(error)")
                let refused = try await stage.node.call(stage.peer.peerID, id: "reject")
                try #require(!refused.accepted && refused.error == "rejected on purpose")
                try #require(try await stage.node.call(stage.peer.peerID).accepted)
            case .itCalls:
                let answer = try await stage.peerCalls(["protocol": .text(FailingProtocol.id), "timeout": 20])
                try #require(answer["failed"].int == 1, "\(answer.line)")
                try #require(
                    !answer.line.contains("TooSlow") && !answer.line.contains("Timeout"), "\(answer.line)")
                let refused = try await stage.peerCalls(["task_id": "reject"])
                try #require(refused["accepted"].bool == false)
                try #require(refused["error_text"].text == "rejected on purpose")
                try #require(try await stage.peerCalls(["size": 64])["completed"].int == 1)
            }
        }
    }

    @Test(arguments: Lane.available)
    func `a peer that is killed in a call ends the call at once`(lane: Lane) async throws {
        await Self.check(.peerKilled, lane, ownPeer: true) { stage in
            let peer = try PeerID(stage.peer.peerID)
            let disconnected = stage.node.host.events()
            switch lane.direction {
            case .weCall:
                let (node, process, us) = (stage.node, stage.peer, stage.us)
                try await within(20, "the failure of the call") {
                    async let error = failure { try await node.call(process.peerID, id: "slow") }
                    _ = try await process.event("task_started", about: us)
                    process.kill()
                    let code = try await error.code
                    try #require(code == .unavailable)
                }
            case .itCalls:
                stage.peer.send("task_call", ["peer_id": .text(stage.us), "task_id": "slow"])
                try await stage.node.task(.started, of: stage.peer.peerID)
                stage.peer.kill()
                try await stage.node.task(.cancelled, of: stage.peer.peerID)
            }
            try await within(10, "the end of the connection") {
                for await event in disconnected where event.peer == peer {
                    if case .disconnected = event.kind { return }
                }
            }
            try #require(stage.node.host.connectionCount == 0)
        }
    }

    @Test(arguments: Lane.available)
    func `a deadline that passes ends the call on both sides`(lane: Lane) async throws {
        await Self.check(.deadline, lane, bound: .seconds(2)) { stage in
            let (node, process) = (stage.node, stage.peer)
            switch lane.direction {
            case .weCall:
                let error = try await within(15, "the deadline") {
                    try await failure {
                        try await node.call(process.peerID, id: "slow", deadline: .seconds(1))
                    }
                }
                try #require(error.code == .deadlineExceeded, "\(error)")
                _ = try await process.event("task_cancelled", about: stage.us)
                try #require(try await node.call(process.peerID).accepted)
            case .itCalls:
                // Theirs. py-libp2p resets its stream, which cancels our task. The Go daemon only closes its
                // side, which a caller may do behind any request: there, our own bound on the call ends the
                // task.
                let late = try await stage.peerCalls(["task_id": "slow", "timeout": 1])
                try #require(late["failed"].int == 1, "\(late.line)")
                try await node.task(.started, of: process.peerID)
                try await node.task(.cancelled, of: process.peerID)
                // Ours: the stream ends without a byte before the caller's time is up.
                let ended = try await stage.peerCalls(["task_id": "slow", "timeout": 20])
                try #require(ended["failed"].int == 1, "\(ended.line)")
                try #require(
                    !ended.line.contains("TooSlow") && !ended.line.contains("Timeout"), "\(ended.line)")
                try #require(try await stage.peerCalls(["size": 64])["completed"].int == 1)
            }
        }
    }
}

/// The error of a call that must fail.
private func failure<Value: Sendable>(_ body: () async throws -> Value) async throws -> RPCError {
    do {
        _ = try await body()
    } catch let error as RPCError {
        return error
    }
    throw InteropFailure("a call that must fail did not")
}
