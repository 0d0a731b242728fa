internal import BittensorCore
internal import HTTPTypes

/// One route of the API: what it takes, who may call it, and what it answers.
struct APIRoute: Sendable {
    /// What a caller may do.
    enum Scope: String, Sendable, CaseIterable, Comparable {
        /// Look at lists.
        case read
        /// Make and change leases.
        case lease
        /// See the secrets of all leases.
        case admin

        static func < (left: Scope, right: Scope) -> Bool {
            left.rank < right.rank
        }

        private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
    }

    /// The names of the routes.
    enum Name: String, Sendable, CaseIterable {
        case root, openAPI, connect
        case allocateSpec, allocateHotkey, deallocate, checkMinerStatus
        case restartDocker, pauseDocker, unpauseDocker, exchangeDockerKey
        case allocationsSQL, resourcesSQL, resourcesWandb, countAllGPUs, countAllByModel
        case allRuns, specs, runByName, available, allocatedHotkeys
        case testNotify, testPing
    }

    /// The route.
    let name: Name
    /// GET or POST.
    let method: HTTPRequest.Method
    /// The path.
    let path: String
    /// What it does.
    let summary: String
    /// What a caller must be allowed.
    let scope: Scope
    /// Parameters in the query.
    var query: [APIProperty] = []
    /// The body, `nil` where none is read.
    var body: (schema: APISchema, isRequired: Bool)?
    /// What the answer with status 200 looks like; ``isEnveloped`` tells what of it.
    let answer: APISchema
    /// Whether `answer` is the member `data` of the envelope, or the whole answer.
    var isEnveloped = true
    /// Whether what is asked for is a WebSocket: then the answer is 101, never 200.
    var isWebSocket = false
    /// Statuses other than 200 and those that every route has.
    var statuses: [Int] = []
}
