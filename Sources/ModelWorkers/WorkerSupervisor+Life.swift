internal import Logging
internal import NIOCore
internal import NIOPosix
internal import Subprocess
internal import Synchronization

#if canImport(System)
    internal import System
#else
    internal import SystemPackage
#endif

extension WorkerSupervisor {
    /// The end of one worker process.
    struct LifeReport: Sendable {
        var outcome: WorkerLife.Outcome
        /// How long the worker was ready; nil when it never was.
        var readyTime: TimeAmount?
    }

    /// Starts one worker process and stays with it until it, its guard and its group are gone.
    func live() async -> LifeReport {
        let mailbox = WorkerMailbox()
        let (start, isStopping) = self.shared.withLock { shared in
            shared.state.starts += 1
            shared.mailbox = mailbox
            return (shared.state.starts, shared.isStopping)
        }
        defer { self.shared.withLock { $0.mailbox = nil } }
        // `stop()` may have come before the mailbox was there to be told.
        if isStopping { mailbox.post(.stopAsked) }
        self.change {
            $0.phase = .starting
            $0.worker = nil
            $0.processID = nil
        }
        var logger = self.logger
        logger[metadataKey: WorkerLogKey.start] = "\(start)"
        let connection = WorkerConnection(
            limits: self.configuration.limits, startDeadline: .now() + self.configuration.startTimeout,
            logger: logger, report: { mailbox.post($0) })
        return await withTaskCancellationHandler {
            do {
                return try await self.live(mailbox: mailbox, connection: connection, logger: logger)
            } catch {
                let failure =
                    error as? WorkerError
                    ?? WorkerError(
                        .startFailed,
                        "the worker guard \(self.configuration.guardCommand.executable) cannot be started",
                        cause: error)
                connection.fail(failure)
                return LifeReport(outcome: .died(failure))
            }
        } onCancel: {
            mailbox.post(.killAsked)
        }
    }

    private func live(
        mailbox: WorkerMailbox, connection: WorkerConnection, logger: Logger
    ) async throws -> LifeReport {
        let report: @Sendable (WorkerLife.Event) -> Void = { mailbox.post($0) }
        let (wire, wireForGuard) = try await self.channel {
            try $0.addHandler(WireHandler(driver: connection))
        }
        let control: any Channel
        let controlForGuard: Int32
        do {
            (control, controlForGuard) = try await self.channel {
                try $0.addHandler(GuardHandler(report: report))
            }
        } catch {
            Platform.closeDescriptor(wireForGuard)
            try? await wire.close()
            throw error
        }
        connection.attach(wire)
        let result: Result<LifeReport, any Error>
        do {
            let run = try await Subprocess.run(
                self.guardConfiguration(),
                input: .fileDescriptor(
                    FileDescriptor(rawValue: controlForGuard), closeAfterSpawningProcess: true),
                output: .fileDescriptor(
                    FileDescriptor(rawValue: wireForGuard), closeAfterSpawningProcess: true),
                error: .sequence
            ) { execution in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { await self.readLog(execution.standardError, logger: logger) }
                    let life = await self.drive(mailbox, connection, control: control, logger: logger) {
                        try? execution.send(signal: .kill)
                    }
                    // The guard sees the end of its control socket, the worker that of its input.
                    control.close(promise: nil)
                    wire.close(promise: nil)
                    try await group.waitForAll()
                    return life
                }
            }
            result = .success(run.closureResult)
        } catch {
            result = .failure(error)
        }
        // Closed already, usually; what matters is that no descriptor outlives the life.
        try? await control.close()
        try? await wire.close()
        return try result.get()
    }

    /// A channel on one end of a new socket pair, and the other end for the guard.
    private func channel(
        _ configure: @escaping @Sendable (ChannelPipeline.SynchronousOperations) throws -> Void
    ) async throws -> (any Channel, Int32) {
        let (ours, theirs) = try Platform.socketPair()
        var owned = [ours, theirs]
        do {
            // The bootstrap would copy a single descriptor itself, and not close-on-exec: a child of the node
            // that got the copy and outlives the node would keep the socket open, and with it the worker.
            let output = try Platform.duplicate(ours)
            owned.append(output)
            let channel = try await NIOPipeBootstrap(group: self.eventLoop)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture { try configure(channel.pipeline.syncOperations) }
                }
                .takingOwnershipOfDescriptors(input: ours, output: output)
                .get()
            return (channel, theirs)
        } catch {
            // The bootstrap owns descriptors only when it succeeds.
            for descriptor in owned { Platform.closeDescriptor(descriptor) }
            throw WorkerError(.startFailed, "no channel for a worker", cause: error)
        }
    }

    private func guardConfiguration() -> Subprocess.Configuration {
        let command = self.configuration.guardCommand
        let grace = max(0, self.configuration.orphanGrace.nanoseconds / 1_000_000)
        var options = PlatformOptions()
        // A session of its own before the guard's first instruction.
        options.createSession = true
        // The guard must outlive its worker: it gets the time that it needs for the group.
        options.teardownSequence = [
            .send(
                signal: .terminate,
                allowedDurationToNextStep: .milliseconds(min(grace, 3_600_000) + 2000))
        ]
        var environment: [Environment.Key: String] = [:]
        for (name, value) in self.configuration.environment {
            environment[Environment.Key(stringLiteral: name)] = value
        }
        return Subprocess.Configuration(
            executable: .path(FilePath(command.executable)),
            arguments: Arguments(
                command.arguments + ["--grace-ms", "\(min(grace, 3_600_000))", "--"]
                    + [self.configuration.executable] + self.configuration.arguments),
            environment: .custom(environment),
            workingDirectory: self.configuration.workingDirectory.map { FilePath($0) },
            platformOptions: options)
    }

    /// Handles the life's events until it is over.
    private func drive(
        _ mailbox: WorkerMailbox, _ connection: WorkerConnection, control: any Channel, logger: Logger,
        killGuard: () -> Void
    ) async -> LifeReport {
        var life = WorkerLife(timing: .init(stopGrace: self.configuration.stopGrace))
        var timer: Scheduled<Void>?
        var readySince: NIODeadline?
        while true {
            timer?.cancel()
            timer = life.nextDeadline.map { deadline in
                self.eventLoop.scheduleTask(deadline: deadline) { mailbox.post(.timerFired) }
            }
            let event = await mailbox.next()
            for action in life.handle(event, now: .now()) {
                switch action {
                case .announceReady(let info):
                    readySince = .now()
                    logger.info("the worker is ready", metadata: [WorkerLogKey.worker: "\(info.name)"])
                    self.announce(info, connection)
                case .askShutdown: connection.shutdown()
                case .failCalls(let error):
                    self.withdraw(connection)
                    connection.fail(error)
                case .kill:
                    control.writeAndFlush(ByteBuffer(integer: GuardProtocol.killByte), promise: nil)
                case .killDirectly(let group):
                    killGuard()
                    if let group { Platform.kill(-group) }
                case .finish(let outcome):
                    timer?.cancel()
                    return LifeReport(outcome: outcome, readyTime: readySince.map { .now() - $0 })
                }
            }
            if let processID = life.processID, self.state.processID != processID {
                logger.debug("the worker runs", metadata: [WorkerLogKey.processID: "\(processID)"])
                self.change { $0.processID = processID }
            }
        }
    }

    private func announce(_ info: WorkerInfo, _ connection: WorkerConnection) {
        self.shared.withLock { $0.connection = connection }
        // A stop that came before keeps its stage, and takes the connection away again.
        self.change {
            $0.phase = .ready
            $0.worker = info
        }
    }

    private func withdraw(_ connection: WorkerConnection) {
        self.shared.withLock { shared in
            if shared.connection === connection { shared.connection = nil }
        }
    }

    /// Passes the worker's standard error on, line by line.
    private func readLog(_ output: SubprocessOutputSequence, logger: Logger) async {
        var lines = WorkerLogLines(lineBytesMax: self.configuration.limits.textBytesMax)
        do {
            for try await buffer in output {
                let bytes = buffer.withUnsafeBytes { Array($0) }
                for line in lines.received(bytes) { logger.info("\(line)") }
            }
        } catch {
            // The guard's end closes the stream even while a descendant holds its other end.
            logger.trace("the worker's standard error ended: \(error)")
        }
        if let line = lines.finish() { logger.info("\(line)") }
    }
}
