import NIOCore
import SubnetRPC
import Synchronization
import Testing

@Suite("Deadline wheel")
struct DeadlineWheelTests {
    static func at(_ milliseconds: Int64) -> NIODeadline {
        .uptimeNanoseconds(UInt64(milliseconds) * 1_000_000)
    }

    static func wheel(slots: Int = 8) -> DeadlineWheel<Int> {
        DeadlineWheel(tick: .milliseconds(10), slots: slots, now: Self.at(1000))
    }

    @Test("a value is due at the first tick at or after its deadline, never before")
    func due() {
        var wheel = Self.wheel()
        _ = wheel.add(1, at: Self.at(1025))
        #expect(wheel.advance(to: Self.at(1025)) == [])
        #expect(wheel.advance(to: Self.at(1029)) == [])
        #expect(wheel.advance(to: Self.at(1030)) == [1])
        #expect(wheel.count == 0)
        #expect(wheel.nextDeadline == nil)
    }

    @Test("a deadline that has passed is due at the next tick")
    func past() {
        var wheel = Self.wheel()
        _ = wheel.add(1, at: Self.at(3))
        #expect(wheel.nextDeadline == Self.at(1010))
        #expect(wheel.advance(to: Self.at(1010)) == [1])
    }

    @Test("a removed value is never due, and its token is worthless")
    func removed() {
        var wheel = Self.wheel()
        let token = wheel.add(1, at: Self.at(1020))
        #expect(wheel.remove(token) == 1)
        #expect(wheel.remove(token) == nil)
        let other = wheel.add(2, at: Self.at(1020))
        #expect(wheel.remove(token) == nil)
        #expect(wheel.advance(to: Self.at(2000)) == [2])
        #expect(wheel.remove(other) == nil)
    }

    @Test("values further away than a turn wait for their turn")
    func turns() {
        var wheel = Self.wheel()
        _ = wheel.add(1, at: Self.at(1010 + 80 * 3))
        _ = wheel.add(2, at: Self.at(1010))
        #expect(wheel.advance(to: Self.at(1010)) == [2])
        #expect(wheel.advance(to: Self.at(1010 + 80 * 3 - 1)) == [])
        #expect(wheel.advance(to: Self.at(1010 + 80 * 3)) == [1])
    }

    @Test("a jump over many turns finds everything, in order")
    func jump() {
        var wheel = Self.wheel()
        for value in 0..<50 { _ = wheel.add(value, at: Self.at(1000 + Int64(value) * 13)) }
        #expect(wheel.advance(to: Self.at(5000)) == Array(0..<50))
    }

    @Test("the next deadline is never after the next value is due")
    func next() {
        var wheel = Self.wheel(slots: 4)
        _ = wheel.add(1, at: Self.at(1500))
        var now = Self.at(1000)
        var wakes = 0
        while let next = wheel.nextDeadline {
            #expect(next > now)
            now = next
            wakes += 1
            if wheel.advance(to: now) == [1] { break }
        }
        #expect(now == Self.at(1500))
        #expect(wakes <= 15)
    }

    @Test("it agrees with a plain list over a long random run")
    func model() {
        var random = SystemRandomNumberGenerator()
        var wheel = Self.wheel(slots: 16)
        var list: [Int: (NIODeadline, DeadlineWheel<Int>.Token)] = [:]
        var now: Int64 = 1000
        for value in 0..<2000 {
            let deadline = Self.at(now + Int64.random(in: -20...700, using: &random))
            list[value] = (deadline, wheel.add(value, at: deadline))
            if Bool.random(using: &random), let (key, entry) = list.randomElement(using: &random) {
                #expect(wheel.remove(entry.1) == key)
                list[key] = nil
            }
            now += Int64.random(in: 0...30, using: &random)
            for due in wheel.advance(to: Self.at(now)) {
                let deadline = list.removeValue(forKey: due)?.0
                #expect(deadline.map { $0 <= Self.at(now) } == true)
            }
            let late = list.values.filter { $0.0 <= Self.at(now - 40) }
            #expect(late.isEmpty)
            #expect(wheel.count == list.count)
        }
    }

    @Test("a scheduler arms its one timer only for an earlier deadline, and runs what is due")
    func scheduler() {
        let armed = Mutex<[NIODeadline]>([])
        let clock = Mutex(Self.at(1000))
        let fired = Record()
        let scheduler = WheelScheduler(
            tick: .milliseconds(10), slots: 8, clock: { clock.withLock { $0 } },
            arm: { deadline in
                armed.withLock { $0.append(deadline) }
                return {}
            })
        _ = scheduler.schedule(at: Self.at(1100)) { fired.add("late") }
        let cancelled = scheduler.schedule(at: Self.at(1050)) { fired.add("never") }
        _ = scheduler.schedule(at: Self.at(1090)) { fired.add("early") }
        scheduler.cancel(cancelled)
        #expect(armed.withLock { $0 } == [Self.at(1100), Self.at(1050)])
        clock.withLock { $0 = Self.at(1050) }
        scheduler.wake()
        #expect(fired.all == [])
        clock.withLock { $0 = Self.at(1100) }
        scheduler.wake()
        #expect(fired.all == ["early", "late"])
        #expect(scheduler.count == 0)
    }

    @Test("however deadlines come and go, one timer is armed, and a late ring of another adds none")
    func oneAlarm() {
        let armed = Mutex<[NIODeadline: Int]>([:])
        let clock = Mutex(Self.at(1000))
        let scheduler = WheelScheduler(
            tick: .milliseconds(10), slots: 8, clock: { clock.withLock { $0 } },
            arm: { deadline in
                armed.withLock { $0[deadline, default: 0] += 1 }
                return { armed.withLock { $0[deadline] = ($0[deadline] ?? 0) - 1 } }
            })
        let standing = { armed.withLock { $0.values.reduce(0, +) } }
        // A peer whose calls each end a little sooner than the one before.
        for step in 0..<1000 {
            let timer = scheduler.schedule(at: Self.at(100_000 - Int64(step))) {}
            scheduler.cancel(timer)
        }
        #expect(standing() == 1)
        let fired = Record()
        _ = scheduler.schedule(at: Self.at(200_000)) { fired.add("long") }
        _ = scheduler.schedule(at: Self.at(1100)) { fired.add("short") }
        #expect(standing() == 1)
        for time in [Int64(1100), 1101, 1102] {
            clock.withLock { $0 = Self.at(time) }
            scheduler.wake()
        }
        #expect(fired.all == ["short"])
        // The one that rang is gone below too.
        #expect(standing() == 2)
        #expect(armed.withLock { $0[Self.at(1100)] } == 1)
    }
}
