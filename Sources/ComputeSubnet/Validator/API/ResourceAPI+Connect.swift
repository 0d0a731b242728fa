internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import NIOHTTP1

/// `GET /connect`: lease events over a WebSocket.
extension ResourceAPI {
    /// The path.
    static let connectPath = "/connect"

    /// The place of a caller whose first request asks for a WebSocket; `nil` leaves the request to
    /// ``notConnected(_:_:)``, which says why.
    func subscribe(_ head: HTTPRequestHead, _ channel: any Channel) -> ConnectSubscription? {
        guard head.uri == Self.connectPath,
            Self.isSameOrigin(
                origins: head.headers["origin"], host: head.headers.first(name: "host")),
            let (caller, scope) = self.caller(
                authorization: head.headers["authorization"],
                address: channel.remoteAddress?.ipAddress ?? "unknown"),
            scope >= .read, self.wait(of: caller) == nil,
            let (number, subscription) = self.events.subscribe(
                caller: caller, seesSecrets: scope == .admin, cut: { channel.close(promise: nil) })
        else { return nil }
        // However the connection ends, also before it is served.
        channel.closeFuture.whenComplete { _ in self.events.release(number) }
        return subscription
    }

    /// Why a request for `/connect`, which may be made, did not become a WebSocket.
    func notConnected(_ request: Request, _ caller: String) -> APIReply {
        // The header Upgrade of who asked for one is gone by now.
        guard let key = HTTPField.Name("Sec-WebSocket-Key"), request.headers[key] != nil else {
            var reply = APIReply.failure(426, "This route speaks WebSocket, version 13, only.")
            reply.headers = [(.upgrade, "websocket"), (.connection, "upgrade")]
            if let version = HTTPField.Name("Sec-WebSocket-Version") {
                reply.headers.append((version, "13"))
            }
            return reply
        }
        guard
            Self.isSameOrigin(
                origins: request.headers[values: .origin], host: request.head.authority)
        else { return .failure(403, "A page of another origin may not listen.") }
        guard self.events.hasPlace(for: caller) else {
            return .failure(503, "There is no place for another WebSocket.")
        }
        return .failure(
            400, "A WebSocket starts with the first request of its connection, version 13, without a query.")
    }

    /// Whether a request is of no page, or of a page of this very host. A browser shows its certificate to
    /// every page that asks, and lets the page read what comes.
    private static func isSameOrigin(origins: [String], host: String?) -> Bool {
        guard let origin = origins.first else { return true }
        guard origins.count == 1, let host, !host.isEmpty else { return false }
        let here = host.lowercased()
        return ["http://\(here)", "https://\(here)"].contains(origin.lowercased())
    }
}
