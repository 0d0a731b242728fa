internal import AccountKeys
internal import Foundation
internal import NIOCore
internal import Testing

@testable internal import BittensorCore

/// The captured server, set up again: its routes, the operator's functions and the handlers, as the notes of
/// the captures describe them.
struct CapturedServer {
    let server: TestServer
    private var clock = UnixTime(nanoseconds: 0)

    init(_ version: String, mode: AxonMode) throws {
        let meta = try #require(try Vectors.load("http_capture_v\(version)")["meta"])
        let routes = CapturedSynapses.served.map { type in
            AxonRoute(
                schema: type.schema, hasVerify: type.name == "Picky",
                hasBlacklist: ["Denied", "BlackCrash"].contains(type.name),
                hasPriority: ["PrioTimeout", "PrioCrash"].contains(type.name))
        }
        self.server = try TestServer(
            mode, routes: routes, uuid: try #require(meta["axon_uuid"]?.stringValue),
            version: try #require(meta["version_as_int"]?.intValue))
    }

    /// The reply to a captured request, at the moment of its capture.
    mutating func serve(_ exchange: CapturedExchange) async throws -> TestServer.Outcome {
        let request = try #require(exchange.request)
        let headers = exchange.response?.headers ?? HeaderList()
        // Error replies name the server's clock and the socket of the client.
        let isError = headers.first("bt_header_axon_nonce") != nil
        let port = isError ? headers.first("bt_header_dendrite_port").flatMap { Int($0) } : nil
        let head = AxonRequestHead(
            method: request.method, target: request.target, headers: request.headers, peerIP: "127.0.0.1",
            peerPort: port ?? 1)
        return await self.server.serve(
            head, body: request.body, at: self.moment(exchange), errorID: Self.errorID(exchange),
            self.behaviour(exchange))
    }

    /// The server's clock: exact where the reply says it, else between the reply's date and the request's
    /// nonce.
    private mutating func moment(_ exchange: CapturedExchange) -> UnixTime {
        let headers = exchange.response?.headers ?? HeaderList()
        if let nonce = headers.first("bt_header_axon_nonce").flatMap({ Int64($0) }) {
            self.clock = UnixTime(nanoseconds: nonce)
            return self.clock
        }
        var moment = self.clock
        if let date = headers.first("date").flatMap(Self.seconds) {
            moment = max(moment, UnixTime(nanoseconds: date * 1_000_000_000))
        }
        if let nonce = exchange.request?.headers.first("bt_header_dendrite_nonce").flatMap({ Int64($0) }),
            nonce - moment.nanoseconds < 2_000_000_000
        {
            moment = max(moment, UnixTime(nanoseconds: nonce))
        }
        self.clock = moment
        return moment
    }

    private static func seconds(_ date: String) -> Int64? {
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.timeZone = TimeZone(secondsFromGMT: 0)
        format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        return format.date(from: date).map { Int64($0.timeIntervalSince1970) }
    }

    /// The id of an opaque failure, as the captured reply has it.
    private static func errorID(_ exchange: CapturedExchange) -> String {
        guard let text = exchange.response?.text, let start = text.firstRange(of: "Internal Server Error #")
        else {
            return "00000000-0000-4000-8000-000000000000"
        }
        return String(text[start.upperBound...].prefix(36))
    }

    // MARK: The operator

    private func behaviour(_ exchange: CapturedExchange) -> TestServer.Behaviour {
        TestServer.Behaviour(
            verify: { _, _ in .refused("custom verify says no") },
            blacklist: { _, route in route == "Denied" ? .refused("hotkey not in allow list") : .failed },
            priority: { _, route in route == "PrioTimeout" ? .timedOut : .failed },
            handler: { synapse, schema, _ in Self.handle(synapse, schema, exchange) })
    }

    private static let raised: [String: SynapseError.Kind] = [
        "RunException": .run, "PostProcessException": .postProcess, "InternalServerError": .internalError,
        "SynapseException": .synapse, "SynapseParsingError": .parsing,
        "InvalidRequestNameError": .invalidRequestName, "UnknownSynapseError": .unknownSynapse,
        "NotVerifiedException": .notVerified, "BlacklistedException": .blacklisted,
        "PriorityException": .priority, "SynapseDendriteNoneException": .dendriteNone,
    ]

    private static func handle(
        _ synapse: AnySynapse, _ schema: SynapseSchema, _ exchange: CapturedExchange
    ) -> HandlerOutcome {
        var synapse = synapse
        switch schema.name {
        case "Echo":
            guard var echo = try? synapse.synapse(as: Echo.self) else { return .undecodable("Echo") }
            echo.reply = "\(echo.message)x\(echo.count)"
            return (try? AnySynapse(echo)).map(HandlerOutcome.synapse) ?? .crashed
        case "Crash": return .crashed
        case "SynErr":
            let kind = synapse.fields["kind"]?.stringValue ?? ""
            return Self.raised[kind].map { .failed(SynapseError($0, "raised \(kind)")) } ?? .crashed
        case "Teapot":
            synapse.head.axon.statusCode = 418
            synapse.head.axon.statusMessage = "short and stout"
        case "BadHeader": synapse.head.axon.statusMessage = "snowman \u{2603}"
        case "Stream": return .stream(synapse)
        case "Specs", "Allocate", "Challenge", "Hashed", "TensorSyn":
            // What the captured handler answered with.
            guard let body = exchange.response?.body,
                let captured = try? AnySynapse(body: body, schema: schema)
            else { return .crashed }
            synapse.fields = captured.fields
        default: break
        }
        return .synapse(synapse)
    }
}
