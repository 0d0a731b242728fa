internal import NIOPosix
internal import Synchronization

/// Runs what blocks, Argon2 above all, on one thread that is neither an event loop nor of the cooperative
/// pool.
///
/// One thread, so that at most one derivation holds its 512 MiB. What waits is bounded.
package final class PasswordWork: Sendable {
    /// The one that wallets use; its thread starts with the first use and stays.
    package static let shared = PasswordWork()

    private let pool = NIOThreadPool(numberOfThreads: 1)
    private let waiting = Mutex(0)
    private let waitingMax: Int

    /// Makes a thread.
    package init(waitingMax: Int = AccountKeyLimits.passwordDerivationsWaitingMax) {
        self.waitingMax = waitingMax
        pool.start()
    }

    /// Ends the thread when its work is done; for those that do not live as long as the process.
    package func shutDown() async throws { try await pool.shutdownGracefully() }

    /// Runs `body` on the thread.
    ///
    /// - Important: cancelling takes work away that has not begun; what has begun runs to its end.
    /// - Throws: what `body` throws; `.limitExceeded` where too much waits, `.cancelled`.
    package func run<Success: Sendable>(
        _ body: @escaping @Sendable () throws(AccountKeyError) -> Success
    ) async throws(AccountKeyError) -> Success {
        let isAdmitted = waiting.withLock { waiting in
            guard waiting <= waitingMax else { return false }
            waiting += 1
            return true
        }
        guard isAdmitted else {
            throw AccountKeyError(
                .limitExceeded, "\(waitingMax) keyfiles wait to be opened already; try again later")
        }
        defer { waiting.withLock { $0 -= 1 } }
        let result: Result<Success, AccountKeyError>
        do {
            result = try await pool.runIfActive {
                do throws(AccountKeyError) {
                    return .success(try body())
                } catch {
                    return .failure(error)
                }
            }
        } catch {
            throw AccountKeyError(.cancelled, "the work on a keyfile was cancelled", cause: error)
        }
        return try result.get()
    }
}
