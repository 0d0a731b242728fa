internal import Logging
internal import ModelWorkers
internal import NIOCore

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

// The worker of the tests, and its guard, and a node to be killed: one executable, told apart by its first
// argument. See `TestWorkerMode`.

let arguments = CommandLine.arguments
if arguments.dropFirst().first == "worker-guard" {
    exit(WorkerGuard.main(arguments: Array(arguments.dropFirst(2))))
}
try await TestWorkerMode.run(Array(arguments.dropFirst()))
