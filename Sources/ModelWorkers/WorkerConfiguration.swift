internal import Foundation
public import NIOCore

/// Which worker to run, how, and within which bounds.
public struct WorkerConfiguration: Sendable {
    /// The worker's executable: a path, or a name that is looked up in the `PATH` of ``environment``.
    public var executable: String
    /// The worker's arguments.
    public var arguments: [String] = []
    /// The worker's whole environment: nothing else is passed on, the node's own secrets least of all. Most
    /// programs want ``variablesInherited`` in it; see ``environment(inheriting:)``.
    public var environment: [String: String] = [:]
    /// The worker's working directory; nil for the node's.
    public var workingDirectory: String?
    /// The guard between node and worker.
    public var guardCommand: WorkerGuardCommand
    /// Time from the start until the worker must have reported ready: loading a model takes minutes.
    public var startTimeout: TimeAmount = .seconds(300)
    /// Time for a worker that was asked to stop, before its process group is killed.
    public var stopGrace: TimeAmount = .seconds(10)
    /// Time between SIGTERM and SIGKILL for a worker whose node died.
    public var orphanGrace: TimeAmount = .seconds(2)
    /// When and how often to start again.
    public var restart = WorkerRestartPolicy()
    /// The bounds.
    public var limits = WorkerLimits()

    /// A worker with the default times and bounds.
    public init(
        executable: String, arguments: [String] = [], environment: [String: String] = [:],
        guardCommand: WorkerGuardCommand = .ownExecutable
    ) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
        self.guardCommand = guardCommand
    }

    /// Names of the variables of a node that most programs need: where programs, the user's files and
    /// temporary files are, and the language.
    public static let variablesInherited = ["PATH", "HOME", "LANG", "TMPDIR"]

    /// An environment of those of the node's variables that `names` lists and the node has.
    public static func environment(
        inheriting names: [String] = WorkerConfiguration.variablesInherited
    ) -> [String: String] {
        ProcessInfo.processInfo.environment.filter { names.contains($0.key) }
    }

    func validate() throws(WorkerError) {
        try self.limits.validate()
        try self.restart.validate()
        guard !self.executable.isEmpty, !self.guardCommand.executable.isEmpty else {
            throw WorkerError(.invalidConfiguration, "a worker and its guard need an executable")
        }
        let times = [
            ("startTimeout", self.startTimeout), ("stopGrace", self.stopGrace),
            ("orphanGrace", self.orphanGrace),
        ]
        for (name, time) in times where time < .zero {
            throw WorkerError(.invalidConfiguration, "\(name) is negative")
        }
    }
}

/// How to start the guard: an executable whose main function hands over to ``WorkerGuard/main(arguments:)``.
public struct WorkerGuardCommand: Sendable, Hashable {
    /// Path of the executable.
    public var executable: String
    /// Arguments before the guard's own.
    public var arguments: [String]

    /// A guard of another executable.
    public init(executable: String, arguments: [String]) {
        self.executable = executable
        self.arguments = arguments
    }

    /// This executable with the argument `worker-guard`. Its main function must look for that first.
    public static var ownExecutable: WorkerGuardCommand {
        #if os(Linux)
            // Names the running file even after it was replaced on disk.
            let path = "/proc/self/exe"
        #else
            let path = Bundle.main.executablePath ?? CommandLine.arguments.first ?? ""
        #endif
        return WorkerGuardCommand(executable: path, arguments: [GuardProtocol.commandName])
    }
}
