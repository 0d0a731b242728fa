import BittensorCore
import ComputeSubnet
import Testing

@Suite struct HardwareDocumentTests {
    @Test func bothSpellingsAreWrittenAndEitherIsRead() throws {
        let document = HardwareDocument(
            cpu: .init(count: 4, frequency: 2800.5, vendorIDRaw: "AuthenticAMD"),
            gpu: .init(
                count: 1, capacity: 46_068,
                details: [.init(name: "NVIDIA A40", capacity: 46_068, uuid: "GPU-1")]),
            hardDisk: .init(total: 100, free: 60, used: 40),
            ram: .init(total: 1 << 34, available: 1 << 33, used: 1 << 33, free: 1 << 32), hasDocker: true)
        let text = try document.text()
        let json = try JSONValue(parsing: text)
        for name in ["cpu", "CPU"] {
            #expect(json[name]?["count"] == 4)
            #expect(json[name]?["vendor_id_raw"] == "AuthenticAMD")
        }
        #expect(json["has_docker"] == true && json["hard_disk"]?["free"] == 60)
        #expect(try HardwareDocument(text: text) == document)
        let onlyUpper = try HardwareDocument(text: #"{"CPU": {"count": 4, "vendor_id_raw": "AuthenticAMD"}}"#)
        #expect(onlyUpper.cpu?.count == 4 && onlyUpper.cpu?.vendorIDRaw == "AuthenticAMD")
    }

    @Test func sectionsThatCouldNotBeReadAreEmptyObjects() throws {
        let json = HardwareDocument().json
        #expect(json["cpu"] == [:] && json["gpu"] == [:] && json["ram"] == [:] && json["hard_disk"] == [:])
        #expect(try HardwareDocument(json: json) == HardwareDocument())
    }

    @Test func aDocumentOfTheReferenceIsRead() throws {
        let text = """
            {"cpu": {"count": 16, "frequency": 2445.427}, "gpu": {"count": 2, "capacity": 163840.0,
            "details": [{"name": "NVIDIA A100-SXM4-80GB", "capacity": 81920.0},
            {"name": "NVIDIA A100-SXM4-80GB", "capacity": 81920.0}], "graphics_speed": 1410,
            "memory_speed": 1593}, "hard_disk": {"total": 5, "free": 3, "used": 2, "read_speed": 1.5,
            "write_speed": 2}, "ram": {"total": 9, "available": 8, "used": 1, "free": 7, "swap_total": 0,
            "swap_used": 0, "swap_free": 0, "read_speed": 1.0, "write_speed": 1.0}, "has_docker": true}
            """
        let document = try HardwareDocument(text: text)
        #expect(document.gpu?.details.count == 2 && document.gpu?.graphicsSpeed == 1410)
        #expect(document.ram?.available == 8 && document.hasDocker)
    }

    @Test(arguments: [
        "", "[]", "7", "{", #"{"cpu": []}"#, #"{"cpu": {"count": -1}}"#, #"{"gpu": {"count": 1e300}}"#,
        #"{"gpu": {"details": [7]}}"#, #"{"ram": {"total": "big"}}"#, #"{"has_docker": "yes"}"#,
        String(repeating: "[", count: 10_000), String(repeating: " ", count: 70_000) + "{}",
    ])
    func hostileTextIsRefused(_ text: String) {
        let error = #expect(throws: ComputeError.self) { try HardwareDocument(text: text) }
        #expect(error?.code == .malformedRequest)
    }
}
