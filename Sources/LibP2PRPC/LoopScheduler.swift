public import LibP2P
package import NIOCore
public import SubnetRPC
internal import Synchronization

extension RPCScheduler where Self == WheelScheduler {
    /// Clock and alarm of the RPC layer on an event loop: one timer however many calls run.
    package static func onLoop(_ loop: any EventLoop) -> WheelScheduler {
        let box = WheelBox()
        let scheduler = WheelScheduler(
            clock: { loop.now },
            arm: { deadline in
                let timer = loop.scheduleTask(deadline: deadline) { box.wake() }
                return { timer.cancel() }
            })
        box.set(scheduler)
        return scheduler
    }
}

/// Lets a timer find the scheduler that armed it without keeping it alive.
private final class WheelBox: Sendable {
    private struct Weak: Sendable { weak var scheduler: WheelScheduler? }
    private let weak = Mutex(Weak())

    func set(_ scheduler: WheelScheduler) { self.weak.withLock { $0.scheduler = scheduler } }
    func wake() { self.weak.withLock { $0.scheduler }?.wake() }
}

extension Host {
    /// A clock and alarm for routers and clients over this host: one timer of an event loop, however many
    /// calls run.
    public func makeRPCScheduler() -> any RPCScheduler { WheelScheduler.onLoop(self.schedulingLoop) }
}
