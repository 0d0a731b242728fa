import Foundation
import Testing

@testable import ContainerEngine

@Suite("What an engine is told of a container")
struct ContainerSpecTests {
    private struct Told: Decodable {
        struct Host: Decodable {
            var log: Log

            enum CodingKeys: String, CodingKey {
                case log = "LogConfig"
            }
        }

        struct Log: Decodable {
            var type: String
            var options: [String: String]

            enum CodingKeys: String, CodingKey {
                case type = "Type", options = "Config"
            }
        }

        var host: Host

        enum CodingKeys: String, CodingKey {
            case host = "HostConfig"
        }
    }

    private func log(of spec: ContainerSpec, for product: EngineDescription.Product) throws -> Told.Log {
        let body = try JSONEncoder().encode(try CreateContainerBody(spec, for: product))
        return try JSONDecoder().decode(Told.self, from: body).host.log
    }

    /// Without it a program that prints without end fills the disk of the machine.
    @Test func theLogIsBoundedInTheWayOfEachEngine() throws {
        var spec = ContainerSpec(
            image: "localhost/image:latest", command: ["/usr/bin/sleep", "600"], user: "1000:1000")
        let docker = try log(of: spec, for: .docker)
        #expect(docker.type == "json-file" && docker.options == ["max-size": "10m", "max-file": "1"])
        let podman = try log(of: spec, for: .podman)
        #expect(podman.type == "k8s-file" && podman.options == ["max-size": "10m"])
        spec.resources.logMegabytesMax = 3
        let smaller = try log(of: spec, for: .podman)
        #expect(smaller.options == ["max-size": "3m"])
    }
}
