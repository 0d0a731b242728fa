internal import BittensorCore
internal import GRDB
package import Logging

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// Tells the holder's server what became of a lease.
///
/// What is to be told lies in the store until it was told or was tried often enough, so it survives a
/// restart. The server's certificate is checked, as with every HTTPS call.
package final class Notifier: Sendable {
    /// What is told.
    package enum Event: Sendable, Hashable {
        /// The lease has ended.
        case deallocation(Allocation)
        /// The container is seen again.
        case online(Allocation)
        /// The container is not seen.
        case offline(Allocation)

        var name: String {
            switch self {
            case .deallocation: "DEALLOCATION"
            case .online: "ONLINE"
            case .offline: "OFFLINE"
            }
        }

        var allocation: Allocation {
            switch self {
            case .deallocation(let allocation), .online(let allocation), .offline(let allocation): allocation
            }
        }
    }

    /// The bounds of a notifier.
    package struct Limits: Sendable, Hashable {
        /// Most that waits to be told; the oldest goes first. Default 1000.
        package var queueMax = 1000
        /// How often one is tried. Default 3.
        package var triesMax = 3
        /// The wait between two tries. Default 15 s.
        package var pause: Duration = .seconds(15)

        /// Creates the defaults.
        package init() {}
    }

    private let store: ValidatorStore
    private let deallocationURL: String?
    private let statusURL: String?
    private let events: LeaseEventHub?
    private let limits: Limits
    private let logger: Logger
    private let post: @Sendable (String, String) async -> Bool

    /// A notifier that tells ends of leases to one URL and changes of their state to another.
    ///
    /// - Parameters:
    ///   - events: who is told at once, with or without URLs.
    ///   - post: sends a JSON text to a URL, with a deadline of its own; whether it was taken.
    package init(
        store: ValidatorStore, deallocationURL: String?, statusURL: String?, events: LeaseEventHub? = nil,
        limits: Limits = Limits(), logger: Logger,
        post: @escaping @Sendable (_ url: String, _ body: String) async -> Bool
    ) {
        self.store = store
        self.deallocationURL = deallocationURL
        self.statusURL = statusURL
        self.events = events
        self.limits = limits
        self.logger = logger
        self.post = post
    }

    /// Tells who listens, and remembers what is to be told; without a URL for it, nothing.
    package func queue(_ event: Event) async throws {
        let isEnd = if case .deallocation = event { true } else { false }
        let time = Timestamp.text(nanoseconds: self.store.wallClock.now())
        let object: JSONObject = [
            "time": .string(time), (isEnd ? "deallocated_at" : "status_change_at"): .string(time),
            "hotkey": .string(event.allocation.hotkey), "status": .string(event.name),
            "uuid": .string(event.allocation.secrets.uuid),
        ]
        self.events?.publish(object)
        guard let url = isEnd ? self.deallocationURL : self.statusURL,
            let body = try? JSONValue.object(object).text()
        else { return }
        // The name of a lease is a secret, so what waits is sealed.
        let sealed = try self.store.secrets.seal(Array(body.utf8), context: "notification")
        let (now, limits) = (self.store.wallClock.seconds, self.limits)
        try await self.store.write { database in
            try database.execute(
                sql: "INSERT INTO notification (target, body, created_at) VALUES (?, ?, ?)",
                arguments: [url, Data(sealed), now])
            try database.execute(
                sql: """
                    DELETE FROM notification WHERE id NOT IN
                        (SELECT id FROM notification ORDER BY id DESC LIMIT ?)
                    """,
                arguments: [limits.queueMax])
        }
    }

    /// Tells what waits, once each.
    ///
    /// - Returns: How many were told.
    @discardableResult
    package func deliver() async throws -> Int {
        let waiting = try await self.store.read { database in
            try Row.fetchAll(database, sql: "SELECT id, target, body, tries FROM notification ORDER BY id")
                .map {
                    (
                        id: $0["id"] as Int64, url: $0["target"] as String, body: $0["body"] as Data,
                        tries: $0["tries"] as Int
                    )
                }
        }
        var told = 0
        for row in waiting {
            try Task.checkCancellation()
            var isDone = row.tries + 1 >= self.limits.triesMax
            if let body = try? self.store.secrets.open(Array(row.body), context: "notification"),
                await self.post(row.url, String(decoding: body, as: UTF8.self))
            {
                isDone = true
                told += 1
            } else if isDone {
                self.logger.warning("A notification was not taken after \(row.tries + 1) tries")
            }
            let isGone = isDone
            try await self.store.write { database in
                try database.execute(
                    sql: isGone
                        ? "DELETE FROM notification WHERE id = ?"
                        : "UPDATE notification SET tries = tries + 1 WHERE id = ?",
                    arguments: [row.id])
            }
        }
        return told
    }

    /// Tells what waits, again and again, until it is cancelled.
    package func run(
        sleep: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) async {
        while !Task.isCancelled {
            do {
                try await self.deliver()
                try await sleep(self.limits.pause)
            } catch is CancellationError {
                return
            } catch {
                self.logger.error("Notifications cannot be delivered: \(error)")
                do { try await sleep(self.limits.pause) } catch { return }
            }
        }
    }
}
