public import Logging
internal import NIOCore
internal import Synchronization

/// Knows which handler serves which method, and serves calls that wires hand it.
///
/// A method is registered once and is served on every wire. Services come and go while calls run: a call that
/// has begun ends with the handler it began with.
public final class Router: Sendable {
    /// The bounds of this router.
    public let limits: RouterLimits
    /// Clock and alarm.
    public let scheduler: any RPCScheduler
    let logger: Logger
    let interceptors: [any ServerInterceptor]
    let metrics: (any RPCMetrics)?
    let tracing: RPCTracing?
    let inFlight = CallsInFlight()
    private let surroundings: CallContext.Surroundings
    private let table = Mutex(Table())

    private struct Table {
        /// By name on each wire.
        var methods: [WireName: [String: RegisteredMethod]] = [:]
        /// By the identity of the descriptor, which wires keep from ``Router/methods(on:)``: no name is
        /// hashed for a call.
        var byDescriptor: [ObjectIdentifier: RegisteredMethod] = [:]
        /// Names of registered services with what each declared.
        var services: [String: [MethodDescriptor]] = [:]
    }

    /// A router without services.
    ///
    /// - Parameters:
    ///   - scheduler: clock and alarm.
    ///   - client: what handlers call other peers with, as ``CallContext/client``.
    ///   - limits: bounds on calls and messages.
    ///   - logger: the logger of calls.
    ///   - interceptors: wrapped around every call, the first outermost.
    ///   - metrics: told of every call.
    ///   - tracing: makes a span per call.
    public init(
        scheduler: any RPCScheduler, client: Client? = nil, limits: RouterLimits = .init(),
        logger: Logger = Logger(label: "subnet.rpc"), interceptors: [any ServerInterceptor] = [],
        metrics: (any RPCMetrics)? = nil, tracing: RPCTracing? = nil
    ) {
        self.scheduler = scheduler
        self.surroundings = CallContext.Surroundings(scheduler: scheduler, client: client, logger: logger)
        self.limits = limits
        self.logger = logger
        self.interceptors = interceptors
        self.metrics = metrics
        self.tracing = tracing
    }

    /// Registers a service with a handler for each method that it declares.
    ///
    /// ```swift
    /// try router.register(Inference.self) {
    ///     $0.handle(Inference.info) { request, context in … }
    ///     $0.handle(Inference.stream) { request, context, responses in … }
    /// }
    /// ```
    /// - Throws: ``RPCError/Code/failedPrecondition`` that names every declared method without a handler,
    ///   every handler of a method that is not declared, and a name that is taken.
    public func register<Service: RPCService>(
        _ service: Service.Type, authorizer: (any Authorizer)? = nil,
        _ handlers: (ServiceRegistration<Service>) throws -> Void = { _ in }
    ) throws {
        let registration = ServiceRegistration<Service>(limits: self.limits, authorizer: authorizer)
        try handlers(registration)
        let methods = try registration.complete()
        try self.add(methods, ofService: Service.name)
    }

    /// Takes a service away. Calls that run go on; new ones are refused as unimplemented.
    public func unregister<Service: RPCService>(_ service: Service.Type) {
        self.table.withLock { table in
            guard let declared = table.services.removeValue(forKey: Service.name) else { return }
            for method in declared {
                for (wire, id) in method.namesOnWires { table.methods[wire]?[id] = nil }
                table.byDescriptor[ObjectIdentifier(method)] = nil
            }
        }
    }

    /// The names of all registered services, sorted.
    public var services: [String] {
        self.table.withLock { $0.services.keys.sorted() }
    }

    /// Every registered method that goes over a wire, sorted by its name there.
    public func methods(on wire: WireName) -> [MethodDescriptor] {
        self.table.withLock { table in
            (table.methods[wire] ?? [:]).sorted { $0.key < $1.key }.map(\.value.descriptor)
        }
    }

    /// The method with a name on a wire, when it is registered.
    public func method(named id: String, on wire: WireName) -> MethodDescriptor? {
        self.table.withLock { $0.methods[wire]?[id]?.descriptor }
    }

    private func add(_ methods: [RegisteredMethod], ofService service: String) throws {
        try self.table.withLock { table in
            guard table.services[service] == nil else {
                throw RPCError(.failedPrecondition, "service \(service) is registered already")
            }
            for method in methods {
                for (wire, id) in method.descriptor.namesOnWires where table.methods[wire]?[id] != nil {
                    throw RPCError(.failedPrecondition, "\(id) is registered already on the \(wire) wire")
                }
            }
            table.services[service] = methods.map(\.descriptor)
            for method in methods {
                table.byDescriptor[ObjectIdentifier(method.descriptor)] = method
                for (wire, id) in method.descriptor.namesOnWires {
                    table.methods[wire, default: [:]][id] = method
                }
            }
        }
    }

    func registered(_ method: MethodDescriptor) -> RegisteredMethod? {
        self.table.withLock { table in
            table.byDescriptor[ObjectIdentifier(method)] ?? table.methods[.native]?[method.nativeID]
        }
    }

    /// The context of a call that begins, its deadline cut to what this router allows.
    func context(for head: CallHead) -> CallContext {
        var head = head
        head.deadline = min(head.deadline, self.scheduler.now() + TimeAmount(self.limits.deadlineMax))
        return CallContext(head: head, surroundings: self.surroundings)
    }
}
