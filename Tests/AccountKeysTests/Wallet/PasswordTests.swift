internal import Foundation
internal import Synchronization
internal import Testing

@testable internal import AccountKeys

@Suite(.timeLimit(.minutes(2))) struct PasswordTests {
    @Test func environmentAsBittensorLeavesIt() async throws {
        let vector = try KeyfileVectors.load().envPassword
        #expect(EnvironmentPassword.variable(forKeyfile: vector.path) == vector.envVarName)
        #expect(EnvironmentPassword.value(vector.password, variable: vector.envVarName) == vector.envValue)
        let source = PasswordSource.environment([vector.envVarName: vector.envValue])
        let found = try await source.password(forKeyfile: vector.path)
        #expect(found?.revealed == Array(vector.password.utf8))
        #expect(try await source.password(forKeyfile: "/other") == nil)
        let plain = PasswordSource.environment(["BT_WALLET_PASSWORD": "pässword"])
        #expect(try await plain.password(forKeyfile: "/x")?.revealed == Array("pässword".utf8))
        for value in ["", "no base64!", String(repeating: "QUFB", count: 1000)] {
            let error = await #expect(throws: AccountKeyError.self) {
                try await PasswordSource.environment([vector.envVarName: value])
                    .password(forKeyfile: vector.path)
            }
            #expect(error?.code == .passwordSource)
        }
    }

    @Test func filesHoldItInTheirFirstLine() async throws {
        let folder = try TemporaryFolder()
        for (text, expected) in [
            ("secret one", "secret one"), ("secret\n", "secret"), ("secret\r\nmore", "secret"),
            (" a \n", " a "),
        ] {
            let path = try folder.write(Array(text.utf8), "password")
            #expect(
                try await PasswordSource.file(path).password(forKeyfile: "/x")?.revealed
                    == Array(expected.utf8))
        }
        for text in ["", "\n", "\nsecret"] {
            let path = try folder.write(Array(text.utf8), "password")
            let error = await #expect(throws: AccountKeyError.self) {
                try await PasswordSource.file(path).password(forKeyfile: "/x")
            }
            #expect(error?.code == .passwordSource)
        }
        try folder.setMode(0o644, "password")
        let error = await #expect(throws: AccountKeyError.self) {
            try await PasswordSource.file("\(folder.path)/password").password(forKeyfile: "/x")
        }
        #expect(error?.code == .keyfileExposed)
    }

    @Test func theFirstSourceWins() async throws {
        let asked = Mutex<[String]>([])
        let source = PasswordSource.none.or(.environment([:])).or(
            .prompt { question in
                asked.withLock { $0.append(question) }
                return SecretBytes(Array("typed".utf8))
            }
        ).or(.text("never"))
        #expect(try await source.password(forKeyfile: "/k")?.revealed == Array("typed".utf8))
        #expect(asked.withLock { $0 } == ["Password for /k: "])
        #expect(try await PasswordSource.none.password(forKeyfile: "/k") == nil)
    }

    /// The thread is no task's, so neither the cooperative pool nor an event loop waits for Argon2.
    @Test func workRunsBesideTheTasks() async throws {
        let work = PasswordWork()
        let isBeside = try await work.run { () throws(AccountKeyError) in
            withUnsafeCurrentTask { $0 == nil }
        }
        #expect(isBeside)
        let error = await #expect(throws: AccountKeyError.self) {
            try await work.run { () throws(AccountKeyError) in throw AccountKeyError(.passwordWrong, "no") }
        }
        #expect(error?.code == .passwordWrong)
        try await work.shutDown()
        let late = await #expect(throws: AccountKeyError.self) {
            try await work.run { () throws(AccountKeyError) in 1 }
        }
        #expect(late?.code == .cancelled)
    }

    @Test func waitingWorkIsBoundedAndCancelled() async throws {
        let work = PasswordWork(waitingMax: 1)
        let gate = DispatchSemaphore(value: 0)
        let (started, start) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        try await withThrowingTaskGroup(of: Int.self) { group in
            group.addTask {
                try await work.run { () throws(AccountKeyError) in
                    start.finish()
                    gate.wait()
                    return 1
                }
            }
            for await _ in started {}
            // One runs and one may wait: of ten more, nine are refused, and the one that waits is let in.
            for _ in 0..<10 {
                group.addTask {
                    do throws(AccountKeyError) {
                        return try await work.run { () throws(AccountKeyError) in 2 }
                    } catch {
                        return error.code == .limitExceeded ? 3 : 4
                    }
                }
            }
            var refused = 0
            while refused < 9, let result = try await group.next() {
                #expect(result == 3)
                refused += 1
            }
            gate.signal()
            var rest: [Int] = []
            for try await result in group { rest.append(result) }
            #expect(rest.sorted() == [1, 2])
        }
        let gone = await withTaskGroup(of: AccountKeyError.Code?.self) { group in
            group.cancelAll()
            group.addTask {
                do throws(AccountKeyError) {
                    _ = try await work.run { () throws(AccountKeyError) in 1 }
                    return nil
                } catch {
                    return error.code
                }
            }
            return await group.next() ?? nil
        }
        #expect(gone == .cancelled)
        try await work.shutDown()
    }
}
