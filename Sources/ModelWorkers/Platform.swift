#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// The system's words for an `errno`.
func errnoText(_ number: Int32) -> String {
    guard let text = strerror(number) else { return "errno \(number)" }
    return String(cString: text)
}

/// The system calls of this module that differ between platforms or need care with descriptors.
enum Platform {
    /// A pair of connected stream sockets, both close-on-exec.
    ///
    /// On Linux the flag is set with the creation; elsewhere just after it, and there the spawning of
    /// processes closes by default what it was not told to pass on.
    static func socketPair() throws(WorkerError) -> (Int32, Int32) {
        var ends: [Int32] = [-1, -1]
        #if canImport(Darwin)
            let result = socketpair(AF_UNIX, SOCK_STREAM, 0, &ends)
        #elseif canImport(Musl)
            let result = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, &ends)
        #else
            let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            let result = socketpair(AF_UNIX, type, 0, &ends)
        #endif
        guard result == 0 else {
            throw WorkerError(.startFailed, "no socket pair for a worker: \(errnoText(errno))")
        }
        #if canImport(Darwin)
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        #endif
        return (ends[0], ends[1])
    }

    /// A copy of `descriptor` above the standard three, close-on-exec.
    static func duplicate(_ descriptor: Int32) throws(WorkerError) -> Int32 {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else {
            throw WorkerError(
                .startFailed, "descriptor \(descriptor) cannot be duplicated: \(errnoText(errno))")
        }
        return copy
    }

    /// Makes `target` another name of `source`.
    static func replace(_ target: Int32, with source: Int32) { _ = dup2(source, target) }

    /// Makes `target` a descriptor at whose end reading is.
    static func replaceWithNothing(_ target: Int32) {
        let nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
        guard nothing >= 0 else { return }
        _ = dup2(nothing, target)
        if nothing != target { _ = close(nothing) }
    }

    /// Gives a descriptor back.
    static func closeDescriptor(_ descriptor: Int32) { _ = close(descriptor) }

    /// Kills `process`, or the group `-process`. Errors mean that there is nothing to kill.
    static func kill(_ process: Int32) {
        // 0, -1 and 1 address far more than a worker.
        guard process > 1 || process < -1 else { return }
        #if canImport(Darwin)
            _ = Darwin.kill(process, SIGKILL)
        #elseif canImport(Glibc)
            _ = Glibc.kill(process, SIGKILL)
        #elseif canImport(Musl)
            _ = Musl.kill(process, SIGKILL)
        #endif
    }

    /// Writes a line to standard error, if anybody is left to read it.
    static func complain(_ text: String) {
        let line = Array("\(text)\n".utf8)
        _ = write(2, line, line.count)
    }

    /// Ends this process at once.
    static func exitNow(_ code: Int32) -> Never { _exit(code) }
}
