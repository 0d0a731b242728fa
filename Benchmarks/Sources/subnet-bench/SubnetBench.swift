internal import Foundation

/// Measures Subnet against the live peers of `Interop/`, in alternating rounds of one sitting.
///
///     subnet-bench [--rounds N] [--seconds S] [--only hivemind,py-libp2p,bulk,bittensor] [--pin yes]
///     [--write FILE] subnet-bench server | client           one side of ours, commanded by JSON lines as the
///     Python peers are
///     subnet-bench axon-server | axon-client  the same for Bittensor's HTTP
///     subnet-bench axon-fan-out               one call to 256 axons that take their time
///
/// Run it from the root of the repository, after `dev/interop-setup bench`; `dev/bench` does both.
@main
struct SubnetBench {
    static func main() async {
        let arguments = Array(CommandLine.arguments.dropFirst())
        do {
            switch arguments.first {
            case "server": try await OurServer.run()
            case "client": try await OurClient.run()
            case "axon-server": try await AxonServer.run()
            case "axon-client": try await AxonClient.run()
            case "axon-fan-out": try await AxonFanOut.run()
            default: try Sitting(Options(arguments)).run()
            }
        } catch {
            FileHandle.standardError.write(Data("subnet-bench: \(error)\n".utf8))
            exit(1)
        }
    }
}

/// A sentence for whoever runs the benchmark.
struct BenchFailure: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}
