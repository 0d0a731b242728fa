internal import Foundation
internal import Multiformats
internal import Testing

@testable internal import AccountKeys

@Suite struct AddressTests {
    private static let alice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"

    @Test func addressesOfManyNetworks() throws {
        let vectors = try AddressVectors.load().ss58
        #expect(vectors.count == 55)
        for vector in vectors {
            let account = try AccountID(bytes: try bytes(vector.publicKey))
            #expect(account.ss58(prefix: vector.ss58Format) == vector.address)
            #expect(try AccountID(ss58: vector.address, prefix: vector.ss58Format) == account)
            #expect(try AccountID(ss58AnyPrefix: vector.address) == account)
            let other: UInt16 = vector.ss58Format == 42 ? 0 : 42
            let error = #expect(throws: AccountKeyError.self) {
                try AccountID(ss58: vector.address, prefix: other)
            }
            #expect(error?.code == .addressNetwork)
        }
    }

    @Test func addressesAsBittensorTakesThem() throws {
        let codes = [
            "Invalid SS58 address: Invalid checksum": AccountKeyError.Code.addressChecksum,
            "Invalid SS58 address: Length is bad": .addressLength,
            "Invalid SS58 address: Invalid SS58 prefix byte.": .addressPrefix,
        ]
        let vectors = try KeyVectors.load().ss58
        #expect(vectors.count == 6)
        for vector in vectors {
            do {
                let account = try AccountID(ss58AnyPrefix: vector.address)
                #expect(account.hex == vector.keypairPublicKey)
            } catch {
                #expect(!vector.isValidSs58Address)
                #expect(error.code == vector.keypairError.flatMap { codes[$0] }, "\(vector.address)")
            }
        }
    }

    @Test func everyChangedCharacterIsRefused() throws {
        let alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
        let good = Array(Self.alice)
        for index in good.indices {
            for character in [alphabet.first, alphabet.last, "0", "l", " ", "é"] as [Character?] {
                guard let character, character != good[index] else { continue }
                var bad = good
                bad[index] = character
                #expect(throws: AccountKeyError.self) { try AccountID(ss58AnyPrefix: String(bad)) }
            }
        }
        for text in ["", "5", " " + Self.alice, Self.alice + " ", Self.alice + "1", "1" + Self.alice] {
            #expect(throws: AccountKeyError.self) { try AccountID(ss58AnyPrefix: text) }
        }
        let error = #expect(throws: AccountKeyError.self) {
            try AccountID(ss58AnyPrefix: String(repeating: "1", count: 1_000_000))
        }
        #expect(error?.code == .addressLength)
    }

    @Test func longFormOfAShortPrefixIsRefused() throws {
        // Prefix 42 as two bytes: 0x40 | 42 >> 2, (42 & 3) << 6.
        let payload = [0x4a, 0x80] + (try AccountID(ss58: Self.alice)).bytes
        let checksum = Blake2b.hash(Array("SS58PRE".utf8) + payload, count: 64)[..<2]
        let text = Base58.encode(payload + checksum)
        let error = #expect(throws: AccountKeyError.self) { try AccountID(ss58AnyPrefix: text) }
        #expect(error?.code == .addressPrefix)
    }

    @Test func codingIsAString() throws {
        let account = try AccountID(ss58: Self.alice)
        let json = try JSONEncoder().encode([account])
        #expect(String(decoding: json, as: UTF8.self) == "[\"\(Self.alice)\"]")
        #expect(try JSONDecoder().decode([AccountID].self, from: json) == [account])
        let foreign = Data("[\"15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5\"]".utf8)
        #expect(throws: (any Error).self) { try JSONDecoder().decode([AccountID].self, from: foreign) }
    }

    @Test func ethereumAddresses() throws {
        let keys = try AddressVectors.load().ethereumKeys.keys
        var checked = 0
        for key in keys {
            guard let secret = key.privateKey, let text = key.h160Checksum else { continue }
            checked += 1
            let pair = try Keypair(seed: try bytes(secret), scheme: .ecdsa)
            let address = try #require(pair.ethereumAddress)
            #expect(address.description == text)
            #expect(try EthereumAddress(text) == address)
            #expect(try EthereumAddress(text.lowercased()) == address)
            #expect(address.lowercased == text.lowercased())
            #expect(try EthereumAddress("0x" + text.dropFirst(2).uppercased()) == address)
        }
        #expect(checked == 6)
        #expect(try Keypair.generate().ethereumAddress == nil)
    }

    @Test func badEthereumAddressesAreRefused() throws {
        let good = "0xf24FF3a9CF04c71Dbc94D0b566f7A27B94566cac"
        let refused = [
            "0xF24FF3a9CF04c71Dbc94D0b566f7A27B94566cac", "0xf24FF3a9CF04c71Dbc94D0b566f7A27B94566caC",
            String(good.dropFirst(2)), "0X" + good.dropFirst(2), String(good.dropLast()), good + "0", "",
            "0x",
            "0xg24FF3a9CF04c71Dbc94D0b566f7A27B94566cac",
        ]
        for text in refused {
            let error = #expect(throws: AccountKeyError.self) { try EthereumAddress(text) }
            #expect(error?.code == .ethereumAddress, "\(text)")
        }
        #expect(throws: AccountKeyError.self) { try EthereumAddress(bytes: [1]) }
    }

    @Test func accountsOfEthereumAddresses() throws {
        let vectors = try AddressVectors.load().hashedAddressMapping
        #expect(vectors.count == 2)
        for vector in vectors {
            let account = AccountID(evmMapped: try EthereumAddress(vector.h160))
            #expect(account.hex == vector.subtensorEvmMappedAccountid32)
            #expect(account.description == vector.ss5842)
        }
    }
}
