import Foundation
import Synchronization

/// The lines that a program writes, as they come. Whoever waits is woken by the next bytes, the end, or the
/// time limit of the test.
final class LineFeed: Sendable {
    /// The program ended, or the test ran out of time, before the awaited line came.
    struct Missing: Error, CustomStringConvertible {
        let description: String
    }

    private struct State {
        var bytes: [UInt8] = []
        var isEnded = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }
    private let state = Mutex(State())

    /// Reads from `pipe` until its last writer is gone.
    init(_ pipe: Pipe) {
        pipe.fileHandleForReading.readabilityHandler = { [self] handle in
            let data = handle.availableData
            if data.isEmpty { handle.readabilityHandler = nil }
            let waiters = state.withLock { state in
                state.bytes += data
                if data.isEmpty { state.isEnded = true }
                defer { state.waiters.removeAll() }
                return state.waiters
            }
            for waiter in waiters { waiter.resume() }
        }
    }

    /// Everything so far.
    var text: String { String(decoding: state.withLock { $0.bytes }, as: UTF8.self) }

    /// The complete lines so far.
    var lines: [String] {
        text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }

    /// What `find` makes of the lines, as soon as it makes something of them.
    func first<Value>(_ what: String, _ find: ([String]) throws -> Value?) async throws -> Value {
        while true {
            let (isEnded, seen) = state.withLock { ($0.isEnded, $0.bytes.count) }
            if let value = try find(lines) { return value }
            guard !isEnded, !Task.isCancelled else { throw Missing(description: "\(what) in: \(text)") }
            await changed(since: seen)
        }
    }

    /// Waits until the last process that writes here is gone.
    func ended() async throws {
        while true {
            let (isEnded, seen) = state.withLock { ($0.isEnded, $0.bytes.count) }
            if isEnded { return }
            guard !Task.isCancelled else { throw Missing(description: "the end of: \(text)") }
            await changed(since: seen)
        }
    }

    /// - Parameter seen: how many bytes there were before the caller looked; later ones are a change.
    private func changed(since seen: Int) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isNew = state.withLock { state in
                    if state.isEnded || state.bytes.count != seen || Task.isCancelled { return true }
                    state.waiters.append(continuation)
                    return false
                }
                if isNew { continuation.resume() }
            }
        } onCancel: {
            let waiters = state.withLock { state in
                defer { state.waiters.removeAll() }
                return state.waiters
            }
            for waiter in waiters { waiter.resume() }
        }
    }
}
