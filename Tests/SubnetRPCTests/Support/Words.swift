import SubnetRPC
import SwiftProtobuf

typealias Text = Google_Protobuf_StringValue
typealias Number = Google_Protobuf_Int64Value

/// A service with one method of each kind, in protobuf and one in JSON.
enum Words: RPCService {
    static let name = "Words"
    static let upper = unary("upper", Text.self, Text.self)
    static let letters = serverStreaming("letters", Text.self, Text.self)
    static let join = clientStreaming("join", Text.self, Text.self)
    static let echo = bidirectional("echo", Text.self, Text.self)
    static let count = unary("count", [String].self, [String: Int].self)
    static let methods = [upper.erased, letters.erased, join.erased, echo.erased, count.erased]

    /// Handlers that do what the names say.
    static func register(on router: Router, authorizer: (any Authorizer)? = nil, record: Record = Record())
        throws
    {
        try router.register(Words.self, authorizer: authorizer) {
            $0.handle(upper) { request, _ in
                record.add("upper \(request.value)")
                return Text(request.value.uppercased())
            }
            $0.handle(letters) { request, _, responses in
                record.add("letters \(request.value)")
                for letter in request.value { try await responses.write(Text(String(letter))) }
            }
            $0.handle(join) { requests, _ in
                record.add("join")
                var joined = ""
                for try await request in requests { joined += request.value }
                return Text(joined)
            }
            $0.handle(echo) { requests, _, responses in
                record.add("echo")
                for try await request in requests { try await responses.write(request) }
            }
            $0.handle(count) { words, _ in
                Dictionary(words.map { ($0, 1) }, uniquingKeysWith: +)
            }
        }
    }
}

/// Calls each of the four kinds and gives what came back as text.
enum Kind: CaseIterable {
    case unary, serverStreaming, clientStreaming, bidirectional

    func call(_ client: Client, _ words: [String] = ["ab", "c"], deadline: Duration? = nil) async throws
        -> [String]
    {
        let peer = Stage.callee
        switch self {
        case .unary:
            return [
                try await client.call(Words.upper, Text(words.joined()), to: peer, deadline: deadline).value
            ]
        case .serverStreaming:
            var all: [String] = []
            let letters = try await client.call(
                Words.letters, Text(words.joined()), to: peer, deadline: deadline)
            for try await letter in letters { all.append(letter.value) }
            return all
        case .clientStreaming:
            let joined = try await client.call(Words.join, to: peer, deadline: deadline) { requests in
                for word in words { try await requests.write(Text(word)) }
            }
            return [joined.value]
        case .bidirectional:
            return try await client.call(Words.echo, to: peer, deadline: deadline) { requests in
                for word in words { try await requests.write(Text(word)) }
            } responses: { responses in
                var all: [String] = []
                for try await response in responses { all.append(response.value) }
                return all
            }
        }
    }

    /// What ``call(_:_:deadline:)`` gives for the words `ab` and `c`.
    var expected: [String] {
        switch self {
        case .unary: ["ABC"]
        case .serverStreaming: ["a", "b", "c"]
        case .clientStreaming: ["abc"]
        case .bidirectional: ["ab", "c"]
        }
    }
}
