import Foundation
import LibP2P
import LibP2PIdentity
import LibP2PRPC
import Logging
import Subnet
import SubnetRPC

/// `task-peer` serves tasks; `task-peer ADDRESS TEXT` sends one.
@main
struct TaskPeer {
    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        let node = try Node(NodeConfiguration(), logger: Logger(label: "task-peer")) { router in
            try router.register(Tasks.self) {
                $0.handle(Tasks.submit) { request, context in
                    let text = String(decoding: request.payload, as: UTF8.self)
                    return TaskResponse.with {
                        $0.accepted = !text.isEmpty
                        $0.result = Data("\(text.count) characters from \(context.peer.id)".utf8)
                        $0.error = text.isEmpty ? "there is nothing to count" : ""
                    }
                }
            }
        }
        if arguments.count == 2 {
            let peer = try await node.host.connect(to: Multiaddr(arguments[0]))
            let task = TaskRequest.with { $0.payload = Data(arguments[1].utf8) }
            let answer = try await node.client.call(
                Tasks.submit, task, to: RPCPeer(peer), deadline: .seconds(10))
            print(
                answer.accepted ? String(decoding: answer.result, as: UTF8.self) : "refused: \(answer.error)")
            await node.host.stop()
        } else {
            try await node.run { addresses in
                FileHandle.standardOutput.write(Data("\(addresses[0])\n".utf8))
            }
        }
    }
}
