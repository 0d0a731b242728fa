import BittensorCore
import ComputeSubnet
import Foundation
import NIOCore
import SubnetRPC
import Testing

@Suite struct SynapseTests {
    @Test func fieldTablesFitTheStructs() throws {
        try SynapseSchema.validate(Specs.self)
        try SynapseSchema.validate(Allocate.self)
        try SynapseSchema.validate(Challenge.self)
        #expect(
            Allocate.fields.map(\.name) == [
                "timeline", "device_requirement", "checking", "output", "public_key", "docker_requirement",
                "docker_change", "docker_action",
            ])
        #expect(Specs.fields.map(\.name) == ["specs_input", "specs_output"])
        #expect(
            Challenge.fields.map(\.name) == [
                "challenge_hash", "challenge_salt", "challenge_mode", "challenge_chars", "challenge_mask",
                "challenge_difficulty", "output",
            ])
    }

    @Test func anEmptyBodyHasTheDocumentedDefaults() throws {
        let body = ByteBuffer(string: #"{"an_unknown_member": [1, 2]}"#)
        let allocate = try Allocate.coding.decode(body)
        #expect(allocate.timeline == 0 && allocate.checking && !allocate.dockerChange)
        #expect(allocate.publicKey.isEmpty && allocate.output == [:] && allocate.deviceRequirement == [:])
        #expect(
            allocate.dockerRequirement == [
                "base_image": "ubuntu", "ssh_key": "", "ssh_port": 4444, "volume_path": "/tmp",
                "dockerfile": "",
            ])
        #expect(allocate.dockerAction == ["action": "", "ssh_key": "", "key_type": ""])
        let challenge = try Challenge.coding.decode(body)
        #expect(challenge.challengeDifficulty == 7 && challenge.output == [:])
        let specs = try Specs.coding.decode(body)
        #expect(specs.specsInput.isEmpty && specs.deserialize().isEmpty)
    }

    @Test func aFilledSynapseSurvivesTheWire() throws {
        var allocate = Allocate()
        allocate.timeline = 3
        allocate.checking = false
        allocate.publicKey = "-----BEGIN PUBLIC KEY-----\nä\n"
        allocate.output = ["status": true, "info": "QUJD", "port": 4444]
        let again = try Allocate.coding.decode(Allocate.coding.encode(allocate))
        #expect(again.timeline == 3 && !again.checking && again.publicKey == allocate.publicKey)
        #expect(again.deserialize() == allocate.output)
    }

    @Test func bodiesAreNotHashedByTheClassicHeaders() throws {
        struct Vector: Decodable {
            let sha3_256_empty: String
        }
        let url = try #require(
            Bundle.module.url(forResource: "body_hash", withExtension: "json", subdirectory: "Fixtures"))
        let vector = try JSONDecoder().decode(Vector.self, from: Data(contentsOf: url))
        #expect(BodyHash.empty == vector.sha3_256_empty)
        var allocate = Allocate()
        allocate.publicKey = "changed on the way"
        #expect(try AnySynapse(allocate).bodyHash(Allocate.schema) == vector.sha3_256_empty)
        #expect(try AnySynapse(Specs(specsInput: "x")).bodyHash(Specs.schema) == vector.sha3_256_empty)
        #expect(try AnySynapse(Challenge()).bodyHash(Challenge.schema) == vector.sha3_256_empty)
    }
}
