internal import BittensorCore

extension ResourceAPI {
    /// A miner that says what it has.
    private struct Claim {
        let hotkey: String
        let document: HardwareDocument
        let isReserved: Bool
        let updatedAt: Int64

        var gpuName: String { self.document.gpu?.details.first?.name ?? "" }
        var gpuCount: Int { self.document.gpu?.count ?? 0 }
        /// GB, two decimals.
        var gpuCapacity: Double { ((self.document.gpu?.capacity ?? 0) / 1024 * 100).rounded() / 100 }
        var cpuCount: Int { self.document.cpu?.count ?? 0 }
        var ram: Double { Self.gigabytes(self.document.ram?.total) }
        var hardDisk: Double { Self.gigabytes(self.document.hardDisk?.total) }

        private static func gigabytes(_ bytes: Int64?) -> Double {
            (Double(bytes ?? 0) / 1_073_741_824 * 100).rounded() / 100
        }

        var json: JSONValue {
            [
                "hotkey": .string(self.hotkey), "cpu_count": .int(self.cpuCount),
                "gpu_name": .string(self.gpuName), "gpu_capacity": .double(self.gpuCapacity),
                "gpu_count": .int(self.gpuCount), "ram": .double(self.ram),
                "hard_disk": .double(self.hardDisk),
                "allocate_status": self.isReserved ? "reserved" : "available",
            ]
        }
    }

    private func claims() async throws -> [Claim] {
        let leased = Set(try await self.store.allocatedHotkeys())
        return try await self.store.details().compactMap { details in
            details.document.map {
                Claim(
                    hotkey: details.hotkey, document: $0, isReserved: leased.contains(details.hotkey),
                    updatedAt: details.updatedAt)
            }
        }
    }

    // MARK: Leases

    func allocations(_ request: APIRequest) async throws -> APIReply {
        let allocations = try await self.store.allocations()
        guard !allocations.isEmpty else { return .failure(404, "No allocations found.") }
        let isAdmin = request.scope == .admin
        return .success(
            "List allocations", .array(allocations.map { self.json($0, withSecrets: isAdmin) }))
    }

    func allocatedHotkeys() async throws -> APIReply {
        let hotkeys = try await self.store.allocatedHotkeys()
        guard !hotkeys.isEmpty else { return .failure(404, "No allocated hotkeys found.") }
        return .success("List allocated hotkeys", .array(hotkeys.map { .string($0) }))
    }

    // MARK: Resources

    func resources(_ request: APIRequest, provenOnly: Bool) async throws -> APIReply {
        var claims = try await self.claims().filter { Self.fits($0, request.body) }
        if provenOnly {
            var proven: [Claim] = []
            for claim in claims where try await self.store.lastProof(of: claim.hotkey) != nil {
                proven.append(claim)
            }
            claims = proven
        }
        if request.flag("stats") {
            let reserved = claims.filter(\.isReserved).count
            return .success(
                "Statistics",
                [
                    "stats": [
                        "available": .int(claims.count - reserved), "reserved": .int(reserved),
                        "total": .int(claims.count),
                    ]
                ])
        }
        guard !claims.isEmpty else { return .failure(404, "There is no resource available") }
        return try .success("List resources", Self.page(claims.map(\.json), request))
    }

    private static func fits(_ claim: Claim, _ query: JSONValue?) -> Bool {
        guard let query else { return true }
        func lies(_ value: Double, _ name: String) -> Bool {
            value >= query["\(name)_min"]?.doubleValue ?? -.infinity
                && value <= query["\(name)_max"]?.doubleValue ?? .infinity
        }
        let name = query["gpu_name"]?.stringValue ?? ""
        return (name.isEmpty || claim.gpuName.lowercased().contains(name.lowercased()))
            && lies(Double(claim.cpuCount), "cpu_count") && lies(claim.gpuCapacity, "gpu_capacity")
            && lies(claim.hardDisk, "hard_disk_total") && lies(claim.ram, "ram_total")
    }

    func countGPUs() async throws -> APIReply {
        .bare(["count": .int(try await self.claims().reduce(0) { $0 + $1.gpuCount })])
    }

    func countByModel(_ request: APIRequest) async throws -> APIReply {
        let model = request.text("model").lowercased()
        let count = try await self.claims().filter { claim in
            guard claim.gpuName.lowercased() == model else { return false }
            if let cores = request.int("cpu_count") { return claim.cpuCount == cores }
            if let size = request.int("ram_size") { return Int(claim.ram.rounded(.up)) == size }
            return true
        }.count
        return .bare(["count": .int(count)])
    }

    // MARK: Runs

    /// What the reference kept on a server of others: here each miner that was asked is a run.
    private func run(_ details: MinerDetails) -> JSONValue {
        [
            "id": .string(details.hotkey), "name": .string("miner-\(details.hotkey)"), "description": "",
            "configs": ["hotkey": .string(details.hotkey), "role": "miner"],
            "state": details.document == nil ? "offline" : "running",
            "start_at": .string(Timestamp.text(nanoseconds: details.updatedAt * 1_000_000_000)),
        ]
    }

    private func details(_ request: APIRequest) async throws -> [MinerDetails] {
        let wanted = request.text("hotkey")
        return try await self.store.details().filter { wanted.isEmpty || $0.hotkey == wanted }
    }

    func runs(_ request: APIRequest) async throws -> APIReply {
        let runs = try await self.details(request).map(self.run)
        guard !runs.isEmpty else { return .failure(404, "No runs found.") }
        return try .success("List all runs", Self.page(runs, request, isIndexed: true))
    }

    func specs(_ request: APIRequest) async throws -> APIReply {
        let specs = try await self.details(request).compactMap { details -> JSONValue? in
            guard let document = details.document else { return nil }
            return [
                "hotkey": .string(details.hotkey),
                "configs": ["hotkey": .string(details.hotkey), "role": "miner"],
                "specs": document.json, "state": "running",
            ]
        }
        guard !specs.isEmpty else { return .failure(404, "No specs found.") }
        return try .success("List specs", Self.page(specs, request, isIndexed: true))
    }

    func run(_ request: APIRequest) async throws -> APIReply {
        let name = request.text("run_name")
        let runs = try await self.store.details().filter { "miner-\($0.hotkey)" == name }.map(self.run)
        guard let run = runs.first else { return .failure(404, "No run has this name.") }
        return .success("Run by name", ["1": run])
    }

    func available(_ request: APIRequest) async throws -> APIReply {
        let isRented = request.flag("rent_status")
        let items = try await self.claims().filter { $0.isReserved == isRented }.map { claim in
            ["hotkey": .string(claim.hotkey), "details": claim.document.json] as JSONValue
        }
        guard !items.isEmpty else { return .failure(404, "No miners found.") }
        return try .success("List available resources", Self.page(items, request))
    }

    // MARK: Pages

    /// One page of the items. Without parameters it has all of them, as in the reference.
    private static func page(
        _ items: [JSONValue], _ request: APIRequest, isIndexed: Bool = false
    ) throws(APIReply) -> JSONValue {
        let number = request.int("page_number") ?? 1
        let isPaged = request.query["page_size"] != nil || request.query["page_number"] != nil
        let size = isPaged ? request.int("page_size") ?? 50 : items.count
        let (start, isTooLarge) = (number - 1).multipliedReportingOverflow(by: size)
        guard !isTooLarge, start < items.count else { throw .failure(404, "There is no such page.") }
        let page = items[start..<min(items.count, start + size)]
        let shown: JSONValue
        if isIndexed {
            var object = JSONObject()
            for (index, item) in page.enumerated() { object[String(start + index + 1)] = item }
            shown = .object(object)
        } else {
            shown = .array(Array(page))
        }
        return [
            "page_items": shown, "page_number": .int(number), "page_size": .int(size),
            "next_page_number": start + size < items.count ? .int(number + 1) : .null,
        ]
    }
}
