internal import HTTPTypes

/// All routes. The names, parameters and defaults are those of the reference's `register_api`.
enum APIRoutes {
    /// A hotkey as a parameter.
    private static let hotkey = APIProperty.required(
        "hotkey", .string(lengths: 46...50, format: .address), "SS58 address of the miner.")
    private static let hotkeyOptional = APIProperty.optional(
        "hotkey", .string(lengths: 46...50, format: .address), "SS58 address of the miner.")
    private static let uuidKey = APIProperty.required(
        "uuid_key", .string(lengths: 36...36, format: .uuid), "The holder's name of the lease.")
    private static let sshKey = APISchema.string(lengths: 0...4096, format: .line, default: "")
    private static let page = [
        APIProperty.optional(
            "page_size", .integer(1...1000), "Items of a page; 50 when only the number is given."),
        APIProperty.optional("page_number", .integer(1...1_000_000), "The page, from 1."),
    ]

    /// The body's `docker_requirement`.
    static let dockerRequirement = APISchema.object([
        .optional("base_image", .string(lengths: 1...256, format: .line, default: "ubuntu"), "Image."),
        .optional("ssh_key", sshKey, "A line of authorized_keys."),
        .optional("volume_path", .string(lengths: 0...256, format: .line, default: "/tmp"), "Volume."),
        .optional(
            "dockerfile", .string(lengths: 0...4096, default: ""), "Build text; miners may refuse any."),
    ])

    /// The body's `requirements`.
    static let requirements = APISchema.object([
        .optional("cpu_count", .integer(1...1024, default: 1), "Cores."),
        .optional(
            "gpu_type", .string(lengths: 0...64, format: .line, default: "gpu"),
            "A part of the model's name; gpu is any."),
        .optional("gpu_size", .integer(0...100_000, default: 3), "Memory of each GPU, GB."),
        .optional("gpu_count", .integer(0...64, default: 1), "GPUs; 0 for a lease without."),
        .optional("ram", .integer(1...100_000, default: 1), "Memory, GB."),
        .optional("hard_disk", .integer(1...1_000_000, default: 1), "Disk, GB."),
        .optional("timeline", .integer(1...366, default: 90), "Days."),
    ])

    private static let resourceQuery = APISchema.object(
        [APIProperty.optional("gpu_name", .string(lengths: 0...64, format: .line), "Part of the name.")]
            + ["cpu_count", "gpu_capacity", "hard_disk_total", "ram_total"].flatMap { name in
                ["min", "max"].map {
                    APIProperty.optional(
                        "\(name)_\($0)", .number(0...1e9), name == "cpu_count" ? "Cores." : "GB.")
                }
            })

    private static func change(
        _ name: APIRoute.Name, _ path: String, _ summary: String, _ more: [APIProperty] = []
    ) -> APIRoute {
        APIRoute(
            name: name, method: .post, path: path, summary: summary, scope: .lease,
            query: [hotkey, uuidKey] + more, answer: .any, statuses: [400, 404, 409, 502, 504])
    }

    /// The table.
    static let all: [APIRoute] = [
        APIRoute(
            name: .root, method: .get, path: "/", summary: "Says hello.", scope: .read,
            answer: .object([.required("message", .string(lengths: 0...1000), "A greeting.")]),
            isEnveloped: false),
        APIRoute(
            name: .openAPI, method: .get, path: "/openapi.json", summary: "This document.", scope: .read,
            answer: .dictionary, isEnveloped: false),
        APIRoute(
            name: .connect, method: .get, path: ResourceAPI.connectPath,
            summary: "A WebSocket: a keepalive every 30 seconds, and lease events.", scope: .read,
            answer: .any, isWebSocket: true, statuses: [400, 426, 503]),
        APIRoute(
            name: .allocateSpec, method: .post, path: "/service/allocate_spec",
            summary: "A lease on any miner that has what is asked for.", scope: .lease,
            body: (
                .object([
                    .required("requirements", requirements, "The hardware."),
                    .required("docker_requirement", dockerRequirement, "The container."),
                ]), true
            ),
            answer: .reference("Allocation"), statuses: [400, 404, 503]),
        APIRoute(
            name: .allocateHotkey, method: .post, path: "/service/allocate_hotkey",
            summary: "A lease of 60 days on one miner.", scope: .lease,
            query: [hotkey, .optional("ssh_key", sshKey, "Replaces the body's ssh_key.")],
            body: (dockerRequirement, false), answer: .reference("Allocation"),
            statuses: [400, 404, 409, 502, 503, 504]),
        APIRoute(
            name: .deallocate, method: .post, path: "/service/deallocate", summary: "Ends a lease.",
            scope: .lease,
            query: [
                hotkey, uuidKey, .optional("notify_flag", .boolean(default: false), "Tell the holder."),
            ],
            answer: .any, statuses: [400, 404, 409, 502, 504]),
        APIRoute(
            name: .checkMinerStatus, method: .post, path: "/service/check_miner_status",
            summary: "Whether miners are free, or which version they announce.", scope: .read,
            query: [.optional("query_version", .boolean(default: false), "Versions in place of states.")],
            body: (.array(.string(lengths: 46...50, format: .address), countMax: 64), true),
            answer: .array(.dictionary, countMax: 64)),
        change(.restartDocker, "/service/restart_docker", "Restarts the container."),
        change(.pauseDocker, "/service/pause_docker", "Pauses the container."),
        change(.unpauseDocker, "/service/unpause_docker", "Continues the container."),
        change(
            .exchangeDockerKey, "/service/exchange_docker_key", "Replaces an SSH key of the container.",
            [
                .required("ssh_key", .string(lengths: 1...4096, format: .line), "The new key."),
                .optional("key_type", .choice(["user", "terminal"], default: "user"), "Whose key."),
            ]),
        APIRoute(
            name: .allocationsSQL, method: .post, path: "/list/allocations_sql",
            summary: "All leases; their secrets only for administrators.", scope: .read,
            answer: .array(.reference("Allocation"), countMax: 4096), statuses: [404]),
        resources(.resourcesSQL, "/list/resources_sql", "What all known miners claim."),
        resources(
            .resourcesWandb, "/list/resources_wandb", "What the miners claim whose GPUs were proven lately."),
        APIRoute(
            name: .countAllGPUs, method: .post, path: "/list/count_all_gpus", summary: "All claimed GPUs.",
            scope: .read,
            answer: .object([.required("count", .integer(0...1_000_000), "GPUs.")]), isEnveloped: false),
        APIRoute(
            name: .countAllByModel, method: .post, path: "/list/count_all_by_model",
            summary: "Miners with GPUs of a model.", scope: .read,
            query: [
                .required("model", .string(lengths: 1...64, format: .line), "The model, without case."),
                .optional("cpu_count", .integer(0...4096), "Exactly so many cores."),
                .optional("ram_size", .integer(0...1_000_000), "Exactly so much memory, GiB rounded up."),
            ],
            answer: .object([.required("count", .integer(0...1_000_000), "Miners.")]), isEnveloped: false),
        APIRoute(
            name: .allRuns, method: .post, path: "/list/all_runs", summary: "All miners, by index.",
            scope: .read, query: [hotkeyOptional] + page, answer: .reference("Page"), statuses: [404]),
        APIRoute(
            name: .specs, method: .post, path: "/list/specs", summary: "What miners said, word by word.",
            scope: .read, query: [hotkeyOptional] + page, answer: .reference("Page"), statuses: [404]),
        APIRoute(
            name: .runByName, method: .post, path: "/list/run_by_name", summary: "The run of a name.",
            scope: .read,
            query: [.required("run_name", .string(lengths: 1...128, format: .line), "miner-HOTKEY.")],
            answer: .dictionary, statuses: [404]),
        APIRoute(
            name: .available, method: .post, path: "/list/available",
            summary: "Miners without a lease, or with one.", scope: .read,
            query: [.optional("rent_status", .boolean(default: false), "Those with a lease.")] + page,
            answer: .reference("Page"), statuses: [404]),
        APIRoute(
            name: .allocatedHotkeys, method: .post, path: "/list/allocated_hotkeys",
            summary: "The miners with a lease.", scope: .read,
            answer: .array(.string(lengths: 0...64), countMax: 4096), statuses: [404]),
        APIRoute(
            name: .testNotify, method: .post, path: "/test/notify", summary: "Tells the holder of a lease.",
            scope: .lease,
            query: [
                hotkey, uuidKey,
                .optional(
                    "event", .choice(["DEALLOCATION", "ONLINE", "OFFLINE"], default: "ONLINE"), "What."),
            ],
            answer: .any, statuses: [400, 404]),
        APIRoute(
            name: .testPing, method: .post, path: "/test/ping", summary: "Answers.", scope: .read,
            answer: .any),
    ]

    private static func resources(_ name: APIRoute.Name, _ path: String, _ summary: String) -> APIRoute {
        APIRoute(
            name: name, method: .post, path: path, summary: summary, scope: .read,
            query: [.optional("stats", .boolean(default: false), "Numbers in place of items.")] + page,
            body: (resourceQuery, false), answer: .reference("ResourcesOrStats"), statuses: [404])
    }
}
