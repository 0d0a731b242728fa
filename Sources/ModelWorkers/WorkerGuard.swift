#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// The process between a node and its worker that lets no worker survive its node.
///
/// The node starts the guard instead of the worker. Standard input of the guard is a control socket whose
/// other end only the node holds (see `GuardProtocol`); standard output is the worker's wire, another
/// socket; standard error is the log pipe. The guard starts the worker as leader of a new process group with
/// the wire as its standard input and output, and then waits. Whatever ends the node, SIGKILL included,
/// closes the control socket, and the guard ends the worker's group: SIGTERM, a grace period, SIGKILL.
/// SIGTERM, SIGINT and SIGHUP to the guard do the same. When the worker ends by itself, the guard kills what
/// is left of its group before it reports, so helpers of a worker do not outlive it either.
///
/// The guard is a program of one thread that blocks in `poll`. It must be the first thing that its executable
/// does, before any thread starts.
///
/// What it does not cover: a descendant that leaves the group (`setsid`, `setpgid`), and a guard that is
/// itself killed with SIGKILL in the same instant as the node. A worker then still reads the end of its
/// standard input, at which every worker must exit.
public enum WorkerGuard {
    /// Runs the guard: `[--grace-ms N] -- EXECUTABLE [ARGUMENT...]`.
    ///
    /// - Parameter arguments: what follows the guard's command name.
    /// - Returns: the worker's exit code, 128 + the signal that ended it, 127 when it could not be started,
    ///   or 64 for arguments that make no sense.
    public static func main(arguments: [String]) -> Int32 {
        var rest = arguments[...]
        var graceMilliseconds: Int32 = 2000
        if rest.first == "--grace-ms" {
            guard let text = rest.dropFirst().first, let value = Int32(text), value >= 0 else {
                return Self.usage()
            }
            graceMilliseconds = value
            rest = rest.dropFirst(2)
        }
        guard rest.first == "--", rest.count >= 2 else { return Self.usage() }
        var process = GuardProcess(
            command: Array(rest.dropFirst()), graceMilliseconds: graceMilliseconds)
        return process.run()
    }

    private static func usage() -> Int32 {
        let text = "usage: \(GuardProtocol.commandName) [--grace-ms N] -- EXECUTABLE [ARGUMENT...]\n"
        _ = text.withCString { write(STDERR_FILENO, $0, strlen($0)) }
        return 64
    }
}

/// The end of the self-pipe that the signal handler writes to. Set once, before the handlers are installed.
private nonisolated(unsafe) var signalPipe: Int32 = -1

/// One run of a guard.
private struct GuardProcess {
    private static let forwarded: [Int32] = [SIGTERM, SIGINT, SIGHUP]

    private let command: [String]
    private let graceMilliseconds: Int32
    private var control: Int32 = -1
    private var signals: Int32 = -1
    private var worker: pid_t = 0
    /// When the group is killed, in milliseconds of the monotonic clock; nil while nobody asked for an end.
    private var killAt: Int64?

    init(command: [String], graceMilliseconds: Int32) {
        self.command = command
        self.graceMilliseconds = graceMilliseconds
    }

    mutating func run() -> Int32 {
        // A session of its own, unless the parent has made one already: no terminal's signals, no job
        // control.
        _ = setsid()
        guard self.claimControl(), self.catchSignals() else { return 71 }
        let failure = self.spawn()
        // Only the worker keeps the wire: its end must be visible to the parent.
        close(STDOUT_FILENO)
        guard failure == 0 else {
            self.tell(.failed(errno: failure))
            return 127
        }
        self.tell(.started(pid: self.worker))
        return self.watch()
    }

    /// Moves the control socket away from standard input, close-on-exec, so that the worker never holds it.
    private mutating func claimControl() -> Bool {
        self.control = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
        return self.control >= 0
    }

    private mutating func catchSignals() -> Bool {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return false }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            // A full pipe must not block the handler; one byte in it is enough to wake the guard.
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        self.signals = ends[0]
        signalPipe = ends[1]
        var action = sigaction()
        let handler: @convention(c) (Int32) -> Void = { number in
            let saved = errno
            var byte = UInt8(truncatingIfNeeded: number)
            _ = write(signalPipe, &byte, 1)
            errno = saved
        }
        #if canImport(Darwin)
            action.__sigaction_u.__sa_handler = handler
        #elseif canImport(Glibc)
            action.__sigaction_handler.sa_handler = handler
        #elseif canImport(Musl)
            action.__sa_handler.sa_handler = handler
        #endif
        sigemptyset(&action.sa_mask)
        for number in Self.forwarded + [SIGCHLD] { _ = sigaction(number, &action, nil) }
        _ = signal(SIGPIPE, SIG_IGN)
        // The parent may have started us with signals blocked.
        var none = sigset_t()
        sigemptyset(&none)
        _ = sigprocmask(SIG_SETMASK, &none, nil)
        return true
    }

    /// Starts the worker as leader of its own group; an `errno`, or 0.
    private mutating func spawn() -> Int32 {
        #if canImport(Darwin)
            var actions: posix_spawn_file_actions_t?
            var attributes: posix_spawnattr_t?
        #else
            var actions = posix_spawn_file_actions_t()
            var attributes = posix_spawnattr_t()
        #endif
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDIN_FILENO)
        // The group exists before the worker's first instruction: no window in which a kill would miss it.
        posix_spawnattr_setpgroup(&attributes, 0)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        var defaults = sigset_t()
        sigemptyset(&defaults)
        for number in Self.forwarded + [SIGCHLD, SIGPIPE, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM] {
            sigaddset(&defaults, number)
        }
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        var flags =
            Int32(POSIX_SPAWN_SETPGROUP) | Int32(POSIX_SPAWN_SETSIGMASK) | Int32(POSIX_SPAWN_SETSIGDEF)
        #if canImport(Darwin)
            flags |= POSIX_SPAWN_CLOEXEC_DEFAULT
            posix_spawn_file_actions_addinherit_np(&actions, STDOUT_FILENO)
            posix_spawn_file_actions_addinherit_np(&actions, STDERR_FILENO)
        #endif
        posix_spawnattr_setflags(&attributes, Int16(flags))
        var arguments: [UnsafeMutablePointer<CChar>?] = self.command.map { strdup($0) }
        arguments.append(nil)
        defer { for argument in arguments { free(argument) } }
        return posix_spawnp(&self.worker, self.command[0], &actions, &attributes, arguments, environ)
    }

    /// Waits for the worker's end, or for the order to bring it about.
    private mutating func watch() -> Int32 {
        while true {
            if let exit = self.collect() {
                self.tell(.ended(exit))
                return exit.code ?? 128 + (exit.signal ?? 0)
            }
            var timeout: Int32 = -1
            if let killAt = self.killAt {
                let left = killAt - Self.milliseconds()
                if left <= 0 { _ = kill(-self.worker, SIGKILL) }
                // After a SIGKILL, look again now and then: an escape from the group's leader is news too.
                timeout = left > 0 ? Int32(clamping: left) : 100
            }
            var polled = [
                pollfd(fd: self.signals, events: Int16(POLLIN), revents: 0),
                pollfd(fd: self.control, events: Int16(POLLIN), revents: 0),
            ]
            // A closed control socket has told all it can; it would wake the poll for ever.
            _ = poll(&polled, self.control >= 0 ? 2 : 1, timeout)
            if polled[0].revents != 0 { self.readSignals() }
            if self.control >= 0, polled[1].revents != 0 { self.readControl() }
        }
    }

    private mutating func readSignals() {
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = read(self.signals, &bytes, bytes.count)
        guard count > 0 else { return }
        if bytes[..<count].contains(where: { Self.forwarded.contains(Int32($0)) }) { self.terminate() }
    }

    private mutating func readControl() {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = read(self.control, &bytes, bytes.count)
        if count < 0, errno == EINTR || errno == EAGAIN { return }
        if count > 0 {
            if bytes[..<count].contains(GuardProtocol.killByte) {
                self.killAt = Self.milliseconds()
                _ = kill(-self.worker, SIGKILL)
            }
            return
        }
        // The parent is gone, or gave the worker up.
        close(self.control)
        self.control = -1
        self.terminate()
    }

    /// Begins the end: SIGTERM now, SIGKILL after the grace period.
    private mutating func terminate() {
        guard self.killAt == nil else { return }
        self.killAt = Self.milliseconds() + Int64(self.graceMilliseconds)
        _ = kill(-self.worker, SIGTERM)
        // A stopped process does not see SIGTERM.
        _ = kill(-self.worker, SIGCONT)
    }

    /// How the worker ended, once it has; what is left of its group is killed first.
    ///
    /// The worker is looked at without being reaped: while it is a zombie its number cannot be given to
    /// another process, so the group that the kill names is its own.
    private func collect() -> WorkerExit? {
        var info = siginfo_t()
        let result = waitid(P_PID, id_t(self.worker), &info, WEXITED | WNOHANG | WNOWAIT)
        guard result == 0, Self.process(of: info) == self.worker else { return nil }
        _ = kill(-self.worker, SIGKILL)
        var status: Int32 = 0
        while waitpid(self.worker, &status, 0) < 0, errno == EINTR {}
        // The layout of a wait status is the same on Linux and macOS: low 7 bits signal, then the code.
        let signal = status & 0x7f
        return signal == 0 ? .exited((status >> 8) & 0xff) : .signaled(signal)
    }

    private static func process(of info: siginfo_t) -> pid_t {
        #if canImport(Darwin)
            info.si_pid
        #elseif canImport(Glibc)
            info._sifields._sigchld.si_pid
        #else
            info.__si_fields.__si_common.__first.__piduid.si_pid
        #endif
    }

    private func tell(_ report: GuardProtocol.Report) {
        guard self.control >= 0 else { return }
        let bytes = Array(report.line.utf8)
        // The socket's buffer holds the few lines of a life; a parent that is gone needs none.
        _ = write(self.control, bytes, bytes.count)
    }

    private static func milliseconds() -> Int64 {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
    }
}
