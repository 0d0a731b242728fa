public import NIOCore
internal import NIOPosix

/// One call, as a method of a Swift worker sees it.
public struct WorkerCall: Sendable {
    let runtime: WorkerRuntime
    let id: UInt64
    /// When the caller loses interest, on this process's clock.
    public let deadline: NIODeadline?

    /// Whether the caller gave the call up. Cheap enough to ask for every token.
    public var isCancelled: Bool { self.runtime.isCancelled(self.id) }

    /// Sends one item of the answer; waits while the caller has enough unread items.
    ///
    /// - Throws: `CancellationError` once the call is cancelled or the parent is gone;
    ///   ``WorkerError/Code/payloadTooLarge``.
    public func send(_ payload: ByteBuffer) async throws {
        try await self.runtime.send(payload, on: self.id)
    }
}

/// A method of a Swift worker: gets the request's payload, sends items, returns for success. It may throw
/// ``WorkerStatus`` to choose the status that the caller sees; what any other error says goes to standard
/// error alone.
public typealias WorkerMethod = @Sendable (ByteBuffer, WorkerCall) async throws -> Void

/// The main function of a worker written in Swift.
///
/// ```swift
/// try await WorkerMain.run(WorkerInfo(name: "echo")) { _ in
///     ["echo": { payload, call in try await call.send(payload) }]
/// }
/// ```
public enum WorkerMain {
    /// Serves calls from standard input until the parent asks for shutdown.
    ///
    /// The model is loaded first, then the worker reports ready. Standard output belongs to the wire: what
    /// the program prints goes to standard error instead. When standard input ends, the parent is gone and
    /// the process exits at once, whatever its methods are doing.
    ///
    /// - Parameters:
    ///   - info: what the parent learns about the worker.
    ///   - limits: bounds; `frameBytesMax` must not exceed the parent's.
    ///   - load: makes the methods; runs before `ready`.
    public static func run(
        _ info: WorkerInfo, limits: WorkerLimits = WorkerLimits(),
        load: @Sendable () async throws -> [String: WorkerMethod]
    ) async throws {
        let input = try Platform.duplicate(0)
        let output = try Platform.duplicate(1)
        Platform.replace(1, with: 2)
        // Processes that the worker starts must not read the wire.
        Platform.replaceWithNothing(0)
        let runtime = WorkerRuntime(limits: limits)
        // The wire is read while the model loads: the parent's end must not go unnoticed for minutes.
        let channel = try await NIOPipeBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(WireHandler(driver: runtime))
                }
            }
            .takingOwnershipOfDescriptors(input: input, output: output)
            .get()
        runtime.attach(channel, onEnd: { Platform.exitNow(0) })
        try await runtime.serve(info, methods: load())
    }
}
