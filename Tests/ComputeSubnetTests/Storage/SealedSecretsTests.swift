import Foundation
import Testing

@testable import ComputeSubnet

@Suite struct SealedSecretsTests {
    @Test func whatWasSealedOpensWithTheSameKeyAndContextOnly() throws {
        let directory = try TemporaryDirectory()
        let secrets = try SealedSecrets(directory: directory.path)
        let secret = Array("a password".utf8)
        let sealed = try secrets.seal(secret, context: "row/1")
        #expect(!Data(sealed).contains(secret))
        #expect(try secrets.seal(secret, context: "row/1") != sealed)
        #expect(try SealedSecrets(directory: directory.path).open(sealed, context: "row/1") == secret)
        #expect(throws: ComputeError.self) { try secrets.open(sealed, context: "row/2") }
        let elsewhere = try TemporaryDirectory()
        let others = try SealedSecrets(directory: elsewhere.path)
        #expect(throws: ComputeError.self) { try others.open(sealed, context: "row/1") }
        for index in sealed.indices {
            var changed = sealed
            changed[index] ^= 1
            #expect(throws: ComputeError.self) { try secrets.open(changed, context: "row/1") }
        }
        #expect(throws: ComputeError.self) { try secrets.open([], context: "row/1") }
    }

    @Test(arguments: [0, 31, 33, 5000])
    func aKeyFileOfAnotherSizeIsRefused(_ count: Int) throws {
        let directory = try TemporaryDirectory()
        try Data(repeating: 7, count: count).write(
            to: URL(fileURLWithPath: directory.path + "/" + SealedSecrets.fileName))
        #expect(throws: ComputeError.self) { try SealedSecrets(directory: directory.path) }
    }
}

extension Data {
    fileprivate func contains(_ bytes: [UInt8]) -> Bool { self.range(of: Data(bytes)) != nil }
}
