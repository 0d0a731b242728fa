internal import NIOCore
internal import SubnetRPC
internal import Synchronization

/// Clock and alarm of the RPC layer on an event loop: one timer however many calls run.
enum LoopScheduler {
    static func make(on loop: any EventLoop) -> any RPCScheduler {
        let box = Box()
        let scheduler = WheelScheduler(
            clock: { loop.now },
            arm: { deadline in
                let timer = loop.scheduleTask(deadline: deadline) { box.wake() }
                return { timer.cancel() }
            })
        box.set(scheduler)
        return scheduler
    }

    /// Lets a timer find the scheduler that armed it without keeping it alive.
    private final class Box: Sendable {
        private struct Weak: Sendable { weak var scheduler: WheelScheduler? }
        private let weak = Mutex(Weak())

        func set(_ scheduler: WheelScheduler) { self.weak.withLock { $0.scheduler = scheduler } }
        func wake() { self.weak.withLock { $0.scheduler }?.wake() }
    }
}
