extension Axon {
    /// Bounds of an ``Axon``, all enforced by default.
    public struct Limits: Sendable {
        /// Most connections at a time; further ones wait in the listen queue.
        public var connectionsMax = 1024
        /// Most header fields of a request; more are answered 431.
        public var headerCountMax = 64
        /// Most bytes of all header fields of a request together; more are answered 431.
        public var headerBytesMax = 32 << 10
        /// Most bytes of a request body, declared or arrived; more are answered 413.
        public var bodyBytesMax = 4 << 20
        /// Most bytes of bodies that all connections together are waiting for; more are answered 503.
        public var bodyBytesInFlightMax = 64 << 20
        /// How long a body may take from the moment it is asked for; longer is answered 408.
        public var bodyDeadline = Duration.seconds(10)
        /// How long a connection may take no more of its replies before it is closed, and how long the last
        /// reply of a connection may take to leave.
        public var writeDeadline = Duration.seconds(30)
        /// A connection without a whole request head for so long is closed.
        public var idleDeadline = Duration.seconds(60)
        /// The longest time of a call. The `timeout` header is cut to it; it counts where the header is
        /// absent.
        public var callDeadlineMax = Duration.seconds(60)
        /// The longest time of one hook (blacklist, verify, priority, postprocess).
        public var hookDeadline = Duration.seconds(5)
        /// Most handlers that run at a time.
        public var workersMax = 64
        /// Most calls that wait for a handler to end; more are answered 503.
        public var queueMax = 1024
        /// Largest reply body, and largest chunk of a stream, in bytes. A handler that gives more is answered
        /// for with 500, and a stream is cut.
        public var responseBytesMax = 16 << 20
        /// Most synapses that may be attached.
        public var synapsesMax = 256
        /// How long an event loop looks for the next request after a reply, before it sleeps: that saves a
        /// wake-up where callers that are near ask closely, and is left off by itself where they do not or
        /// where others want the core. Zero turns it off.
        public var busyPoll = Duration.microseconds(200)
        /// How long calls that run may take to end after a graceful shutdown began.
        public var shutdownDeadline = Duration.seconds(10)

        /// The documented defaults.
        public init() {}
    }
}
