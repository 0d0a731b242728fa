internal import ComputeSubnet
internal import Foundation
internal import Logging

/// A miner that tests command, and that ends like a crash at the moment that `SUBNET_TEST_CRASH` names: the
/// process kills itself with SIGKILL there. Standard input has one request per line as JSON, standard output
/// one answer per line. `SUBNET_TEST_SEARCHER=hashcat` solves with hashcat on the CPU, once it is warm.
///
///     test-miner DIRECTORY ENGINE_SOCKET SSH_PORT
@main
enum TestMiner {
    struct Request: Decodable, Sendable {
        var number: Int
        /// allocate, deallocate, check, state or challenge.
        var operation: String
        var hotkey: String
        var publicKey: String?
        var sshKey: String?
        var seconds: Int64?
        /// For challenge: what to search for.
        var hash: String?
        var salt: String?
        var characters: String?
        var difficulty: Int?
    }

    struct Answer: Encodable {
        var number: Int
        var status: Bool?
        var error: String?
        var state: String?
        var expiresAt: Int64?
        var password: String?
        var backend: String?
    }

    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 4, let port = UInt16(arguments[3]) else { exit(2) }
        var configuration = NativeMiner.Configuration(directory: arguments[1])
        configuration.engineSocketPath = arguments[2]
        configuration.sshPort = port
        configuration.sshListenAddress = "127.0.0.1"
        configuration.limits.sweepInterval = .milliseconds(300)
        configuration.limits.diskBytesReserved = 1 << 20
        configuration.limits.speedProbeBytes = 1 << 16
        var solving = ChallengeSolver.Configuration()
        let usesHashcat = ProcessInfo.processInfo.environment["SUBNET_TEST_SEARCHER"] == "hashcat"
        solving.searcher = usesHashcat ? .hashcat : .native
        solving.device = .cpu
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        let logger = Logger(label: "test-miner")
        let crash = ProcessInfo.processInfo.environment["SUBNET_TEST_CRASH"].flatMap(LeaseCheckpoint.init)
        let solver = ChallengeSolver(configuration: solving, logger: logger)
        let miner = try NativeMiner(
            configuration, solver: solver, logger: logger,
            reached: { checkpoint in if checkpoint == crash { kill(getpid(), SIGKILL) } })
        let lines = AsyncStream<String>(bufferingPolicy: .bufferingOldest(100)) { continuation in
            let thread = Thread {
                while let line = readLine() { continuation.yield(line) }
                continuation.finish()
            }
            thread.start()
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await miner.run() }
            for await line in lines {
                guard let request = try? JSONDecoder().decode(Request.self, from: Data(line.utf8)) else {
                    continue
                }
                group.addTask { await reply(to: request, miner, solver) }
            }
            group.cancelAll()
        }
    }

    private static func reply(
        to request: Request, _ miner: NativeMiner, _ solver: ChallengeSolver
    ) async {
        var answer = Answer(number: request.number)
        do {
            try await fill(&answer, request, miner)
        } catch let error as ComputeError {
            (answer.status, answer.error) = (false, error.code.description)
        } catch {
            (answer.status, answer.error) = (false, "\(error)")
        }
        answer.state = await miner.leaseState().state
        answer.backend = solver.backend
        guard var bytes = try? JSONEncoder().encode(answer) else { return }
        bytes.append(UInt8(ascii: "\n"))
        FileHandle.standardOutput.write(bytes)
    }

    private static func fill(
        _ answer: inout Answer, _ request: Request, _ miner: NativeMiner
    ) async throws {
        let caller = ComputeCaller(
            hotkey: request.hotkey, isBodyAuthenticated: true, remainingTime: .seconds(60))
        let operation: AllocateRequest.Operation
        switch request.operation {
        case "state": return
        case "challenge":
            let output = try await miner.challenge(
                ChallengeRequest(
                    hash: request.hash ?? "", salt: request.salt ?? "", characters: request.characters ?? "",
                    difficulty: request.difficulty ?? 1), caller: caller)
            (answer.password, answer.error) = (output.password, output.error)
            return
        case "allocate":
            operation = .allocate(
                duration: .seconds(request.seconds ?? 600),
                DeviceRequirement(cpuCount: 1, ramBytes: 64 << 20, hardDiskBytes: 32 << 20),
                DockerRequirement(sshKey: request.sshKey ?? ""))
        case "deallocate": operation = .deallocate
        default: operation = .checkLease
        }
        let output = try await miner.allocate(
            AllocateRequest(operation, publicKey: request.publicKey ?? ""), caller: caller)
        (answer.status, answer.expiresAt) = (output.status, output.expiresAt)
    }
}
