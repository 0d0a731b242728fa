public import BittensorCore

extension HardwareDocument {
    /// Most bytes of a document that is read.
    public static let bytesMax = 64 << 10
    /// Most GPUs that are read.
    static let gpusMax = 64

    /// The document as the wire has it: sections in lower case, absent ones as `{}`, and the section of the
    /// processors once more under its other name `CPU`.
    public var json: JSONValue {
        let cpu = self.cpuJSON
        var object: JSONObject = ["cpu": cpu, "gpu": self.gpuJSON, "hard_disk": self.diskJSON]
        object["ram"] = self.ramJSON
        if let network = self.network {
            var section: JSONObject = ["interfaces": .array(network.interfaces.map { .string($0) })]
            section["read_bytes"] = Self.number(network.readBytes)
            section["write_bytes"] = Self.number(network.writeBytes)
            object["network"] = .object(section)
        }
        object["has_docker"] = .bool(self.hasDocker)
        object["container_engine"] = self.containerEngine.map { .string($0) }
        object["CPU"] = cpu
        return .object(object)
    }

    /// ``json`` as text.
    ///
    /// - Throws: ``ComputeError`` with `failed` when a figure is no number of JSON, or it is too long.
    public func text() throws(ComputeError) -> String {
        guard let text = try? self.json.text(), text.utf8.count <= Self.bytesMax else {
            throw ComputeError(.failed, "The hardware document cannot be written as JSON.")
        }
        return text
    }

    /// The document of some text. `CPU` is another name of `cpu`; unknown members are ignored.
    ///
    /// - Throws: ``ComputeError`` with `malformedRequest`.
    public init(text: String) throws(ComputeError) {
        guard text.utf8.count <= Self.bytesMax else {
            throw ComputeError(.malformedRequest, "specs_output has more than \(Self.bytesMax) bytes.")
        }
        guard let json = try? JSONValue(parsing: text) else {
            throw ComputeError(.malformedRequest, "specs_output is not JSON.")
        }
        try self.init(json: json)
    }

    /// The document of a JSON value.
    ///
    /// - Throws: ``ComputeError`` with `malformedRequest`.
    public init(json: JSONValue) throws(ComputeError) {
        let reader = try FieldReader(json, "specs")
        func section(_ name: String) throws(ComputeError) -> FieldReader? {
            guard let value = reader.value(name) else { return nil }
            if value.objectValue?.isEmpty ?? false { return nil }
            return try FieldReader(value, "specs.\(name)")
        }
        let upper = try section("CPU")
        self.cpu = try Self.cpu(try section("cpu") ?? upper)
        self.gpu = try Self.gpu(try section("gpu"))
        self.hardDisk = try Self.disk(try section("hard_disk"))
        self.ram = try Self.ram(try section("ram"))
        self.network = try Self.network(try section("network"))
        self.hasDocker = try reader.bool("has_docker", default: false)
        self.containerEngine =
            reader.has("container_engine")
            ? try reader.text("container_engine", bytesMax: 256, default: "") : nil
    }

    // MARK: Sections

    private var cpuJSON: JSONValue {
        guard let cpu = self.cpu else { return [:] }
        var section: JSONObject = ["count": .int(cpu.count)]
        section["frequency"] = cpu.frequency.map { .double($0) }
        section["vendor_id_raw"] = cpu.vendorIDRaw.map { .string($0) }
        section["brand"] = cpu.brand.map { .string($0) }
        return .object(section)
    }

    private var gpuJSON: JSONValue {
        guard let gpu = self.gpu else { return [:] }
        var section: JSONObject = ["count": .int(gpu.count), "capacity": .double(gpu.capacity)]
        section["details"] = .array(
            gpu.details.map { detail in
                var object: JSONObject = ["name": .string(detail.name)]
                object["capacity"] = .double(detail.capacity)
                object["uuid"] = detail.uuid.map { .string($0) }
                object["serial"] = detail.serial.map { .string($0) }
                object["pci_bus_id"] = detail.pciBusID.map { .string($0) }
                object["driver_version"] = detail.driverVersion.map { .string($0) }
                return .object(object)
            })
        section["graphics_speed"] = gpu.graphicsSpeed.map { .int($0) }
        section["memory_speed"] = gpu.memorySpeed.map { .int($0) }
        return .object(section)
    }

    private var diskJSON: JSONValue {
        guard let disk = self.hardDisk else { return [:] }
        var section = JSONObject()
        section["total"] = Self.number(disk.total)
        section["free"] = Self.number(disk.free)
        section["used"] = Self.number(disk.used)
        section["write_speed"] = disk.writeSpeed.map { .double($0) }
        section["read_speed"] = disk.readSpeed.map { .double($0) }
        return .object(section)
    }

    private var ramJSON: JSONValue {
        guard let ram = self.ram else { return [:] }
        var section = JSONObject()
        section["total"] = Self.number(ram.total)
        section["available"] = Self.number(ram.available)
        section["used"] = Self.number(ram.used)
        section["free"] = Self.number(ram.free)
        section["swap_total"] = Self.number(ram.swapTotal)
        section["swap_used"] = Self.number(ram.swapUsed)
        section["swap_free"] = Self.number(ram.swapFree)
        section["read_speed"] = ram.readSpeed.map { .double($0) }
        section["write_speed"] = ram.writeSpeed.map { .double($0) }
        return .object(section)
    }

    private static func number(_ value: Int64?) -> JSONValue? {
        value.map { .int(Int($0)) }
    }

    private static func bytes(_ section: FieldReader, _ name: String) throws(ComputeError) -> Int64 {
        Int64(try section.int(name, in: 0...(1 << 60), default: 0))
    }

    private static func text(_ section: FieldReader, _ name: String) throws(ComputeError) -> String? {
        section.has(name) ? try section.text(name, bytesMax: 256, default: "") : nil
    }

    private static func cpu(_ section: FieldReader?) throws(ComputeError) -> CPU? {
        guard let section else { return nil }
        return CPU(
            count: try section.int("count", in: 0...65536, default: 0),
            frequency: try section.double("frequency", in: 0...1e9),
            vendorIDRaw: try self.text(section, "vendor_id_raw"), brand: try self.text(section, "brand"))
    }

    private static func gpu(_ section: FieldReader?) throws(ComputeError) -> GPU? {
        guard let section else { return nil }
        let details = section.value("details")?.arrayValue ?? []
        guard details.count <= self.gpusMax else {
            throw section.wrong("details", "has more than \(self.gpusMax) GPUs")
        }
        var gpus: [GPUDetail] = []
        for detail in details {
            let reader = try FieldReader(detail, "specs.gpu.details")
            gpus.append(
                GPUDetail(
                    name: try self.text(reader, "name") ?? "",
                    capacity: try reader.double("capacity", in: 0...1e9) ?? 0,
                    uuid: try self.text(reader, "uuid"), serial: try self.text(reader, "serial"),
                    pciBusID: try self.text(reader, "pci_bus_id"),
                    driverVersion: try self.text(reader, "driver_version")))
        }
        return GPU(
            count: try section.int("count", in: 0...self.gpusMax, default: gpus.count),
            capacity: try section.double("capacity", in: 0...1e12) ?? 0, details: gpus,
            graphicsSpeed: section.has("graphics_speed")
                ? try section.int("graphics_speed", in: 0...1_000_000, default: 0) : nil,
            memorySpeed: section.has("memory_speed")
                ? try section.int("memory_speed", in: 0...1_000_000, default: 0) : nil)
    }

    private static func disk(_ section: FieldReader?) throws(ComputeError) -> Disk? {
        guard let section else { return nil }
        return Disk(
            total: try self.bytes(section, "total"), free: try self.bytes(section, "free"),
            used: try self.bytes(section, "used"),
            writeSpeed: try section.double("write_speed", in: 0...1e9),
            readSpeed: try section.double("read_speed", in: 0...1e9))
    }

    private static func ram(_ section: FieldReader?) throws(ComputeError) -> RAM? {
        guard let section else { return nil }
        return RAM(
            total: try self.bytes(section, "total"), available: try self.bytes(section, "available"),
            used: try self.bytes(section, "used"), free: try self.bytes(section, "free"),
            swapTotal: try self.bytes(section, "swap_total"),
            swapUsed: try self.bytes(section, "swap_used"), swapFree: try self.bytes(section, "swap_free"),
            readSpeed: try section.double("read_speed", in: 0...1e9),
            writeSpeed: try section.double("write_speed", in: 0...1e9))
    }

    private static func network(_ section: FieldReader?) throws(ComputeError) -> Network? {
        guard let section else { return nil }
        let names = (section.value("interfaces")?.arrayValue ?? []).prefix(256).compactMap(\.stringValue)
        return Network(
            interfaces: names.filter { $0.utf8.count <= 64 },
            readBytes: section.has("read_bytes") ? try self.bytes(section, "read_bytes") : nil,
            writeBytes: section.has("write_bytes") ? try self.bytes(section, "write_bytes") : nil)
    }
}
