import NIOCore
import SubnetRPC
import SubnetTesting

/// How a call ended.
enum Ending: Sendable, CustomStringConvertible {
    case answered
    case wrong(String)
    case failed(RPCError)
    case untyped(String)

    /// For the trace hash and the table of endings.
    var number: UInt64 {
        switch self {
        case .answered: 0
        case .wrong: 1000
        case .failed(let error): UInt64(error.code.number)
        case .untyped: 1001
        }
    }

    var description: String {
        switch self {
        case .answered: "answered"
        case .wrong(let what): "wrong answer: \(what)"
        case .failed(let error): "\(error)"
        case .untyped(let error): "an error without type: \(error)"
        }
    }
}

/// What happened to the calls of a run.
///
/// - Important: `@unchecked Sendable` because it is confined to the network's thread.
final class CallLog: @unchecked Sendable {
    struct Entry {
        var call: PlannedCall
        var ending: Ending
        var start: NIODeadline
        var end: NIODeadline
    }

    private let isTraced: Bool
    private(set) var entries: [Entry] = []
    private(set) var violations: [String] = []
    /// How many calls ended how.
    private(set) var endings: [String: Int] = [:]

    init(isTraced: Bool) { self.isTraced = isTraced }

    func add(_ entry: Entry) {
        self.entries.append(entry)
        let name = if case .failed(let error) = entry.ending { "\(error.code)" } else { "\(entry.ending)" }
        self.endings[name, default: 0] += 1
        if self.isTraced {
            let (start, end) = (entry.start.uptimeNanoseconds / 1000, entry.end.uptimeNanoseconds / 1000)
            print("\(start) to \(end) us  \(entry.call)  \(entry.ending)")
        }
    }

    func violate(_ text: String) {
        self.violations.append(text)
        if self.isTraced { print("VIOLATION \(text)") }
    }
}

extension CallLog.Entry {
    /// What is wrong with this ending, or nil.
    ///
    /// - Parameter isFaulted: the link between the two nodes was cut or frozen during the call.
    func violation(isFaulted: Bool) -> String? {
        let took = self.end - self.start
        let what = "\(self.call) after \(took.nanoseconds / 1_000_000) ms: \(self.ending)"
        if took > .milliseconds(Int64(self.call.deadline)) + Scenario.slack { return "late: \(what)" }
        if self.call.kind == .cancelled,
            took > .milliseconds(Int64(self.call.patience)) + Scenario.slack
        {
            return "cancelled late: \(what)"
        }
        if self.isAsPlanned { return nil }
        if isFaulted, case .failed(let error) = self.ending,
            [.unavailable, .deadlineExceeded].contains(error.code)
        {
            return nil
        }
        return what
    }

    private var isAsPlanned: Bool {
        switch (self.call.kind, self.ending) {
        case (.refused, .failed(let error)): error.code == .aborted && error.message == "told to refuse"
        case (.crashed, .failed(let error)): error.code == .unknown && error.message == "the handler failed"
        case (.expired, .failed(let error)): error.code == .deadlineExceeded
        case (.cancelled, .failed(let error)): error.code == .cancelled
        case (.refused, _), (.crashed, _), (.expired, _), (.cancelled, _): false
        case (_, .answered): true
        default: false
        }
    }
}

/// What a run gave.
struct Report: Sendable {
    var seed: UInt64
    /// Of every delivery and every ending.
    var hash: UInt64
    var deliveries: Int
    var connections: Int
    var endings: [String: Int]
    var violations: [String]
}
