import NIOPosix

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A blocking TCP socket to loopback, for sending what no library would. Every wait is bounded.
final class RawSocket: Sendable {
    enum Failure: Error { case connect(Int32), timeout, closed }

    let descriptor: Int32

    /// - Parameter receiveBuffer: bytes of the kernel's receive buffer; small ones fill at once.
    init(port: UInt16, receiveBuffer: Int32? = nil) throws {
        #if canImport(Glibc)
            let kind = Int32(SOCK_STREAM.rawValue)
        #else
            let kind = SOCK_STREAM
        #endif
        self.descriptor = socket(AF_INET, kind, 0)
        guard self.descriptor >= 0 else { throw Failure.connect(errno) }
        if var bytes = receiveBuffer {
            _ = setsockopt(
                self.descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
        }
        var time = timeval(tv_sec: 50, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            _ = setsockopt(self.descriptor, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(self.descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        // The descriptor is closed with the object, also when this throws.
        if result != 0 { throw Failure.connect(errno) }
    }

    deinit { _ = close(self.descriptor) }

    func send(_ bytes: [UInt8]) throws {
        var offset = 0
        while offset < bytes.count {
            #if canImport(Glibc)
                let flags = Int32(MSG_NOSIGNAL)
            #else
                let flags: Int32 = 0
            #endif
            let count = bytes[offset...].withUnsafeBytes {
                Self.systemSend(self.descriptor, $0.baseAddress, $0.count, flags)
            }
            guard count > 0 else { throw errno == EAGAIN ? Failure.timeout : Failure.closed }
            offset += count
        }
    }

    private static func systemSend(
        _ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int, _ flags: Int32
    ) -> Int {
        #if canImport(Glibc)
            Glibc.send(descriptor, bytes, count, flags)
        #else
            Darwin.send(descriptor, bytes, count, flags)
        #endif
    }

    func send(_ text: String) throws { try self.send(Array(text.utf8)) }

    /// What is there, or comes in time; nil when the other side closed or reset.
    func receive(max: Int = 65_536) throws -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: max)
        let count = recv(self.descriptor, &bytes, max, 0)
        if count > 0 { return Array(bytes[..<count]) }
        if count < 0, errno == EAGAIN || errno == EWOULDBLOCK { throw Failure.timeout }
        return nil
    }

    /// Everything until the other side closes.
    func receiveToEnd() throws -> [UInt8] {
        var all: [UInt8] = []
        while let bytes = try self.receive() { all += bytes }
        return all
    }

    func shutdownWrite() { _ = shutdown(self.descriptor, Int32(SHUT_WR)) }
}

/// Threads that may block: enough that no test waits for another one's timeouts.
private let blockingPool: NIOThreadPool = {
    let pool = NIOThreadPool(numberOfThreads: 16)
    pool.start()
    return pool
}()

/// Runs blocking code beside the tasks of the test.
func blocking<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
    try await blockingPool.runIfActive(body)
}

/// Bytes of memory that this process has resident.
func residentBytes() -> Int {
    #if canImport(Glibc)
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var text = [CChar](repeating: 0, count: 256)
        guard fgets(&text, 256, file) != nil else { return 0 }
        let fields = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            .split(separator: " ")
        return (fields.count > 1 ? Int(fields[1]) ?? 0 : 0) * Int(getpagesize())
    #else
        return 0
    #endif
}

/// Lets the process hold as many sockets as it may.
func raiseDescriptorLimit() -> Int {
    var limit = rlimit()
    #if canImport(Glibc)
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
        let resource = RLIMIT_NOFILE
    #endif
    guard getrlimit(resource, &limit) == 0 else { return 0 }
    limit.rlim_cur = min(limit.rlim_max, 8192)
    _ = setrlimit(resource, &limit)
    return Int(limit.rlim_cur)
}
