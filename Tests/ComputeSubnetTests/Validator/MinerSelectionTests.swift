import BittensorCore
import Testing

@testable import ComputeSubnet

@Suite struct MinerSelectionTests {
    private static func neuron(
        _ uid: UInt16, ip: String = "192.0.2.1", version: UInt32 = 183, coldkey: String = "5C"
    ) -> Neuron {
        Neuron(
            uid: uid, hotkey: "5H\(uid)", coldkey: coldkey, stakeRao: 0, isValidatorPermitted: false,
            axon: IPAddress(ip).map { AxonRecord(version: version, ip: $0, port: 1) })
    }

    private static func uids(_ neurons: [Neuron], _ selection: MinerSelection = MinerSelection()) -> [UInt16]
    {
        selection.miners(of: neurons, own: "5H99").map(\.uid)
    }

    @Test func oneUidOfAnAddressAndOnlyThoseThatServe() {
        var silent = Self.neuron(4, ip: "192.0.2.4")
        silent.axon = nil
        let neurons = [
            Self.neuron(3), Self.neuron(2), Self.neuron(1, ip: "0.0.0.0"), silent,
            Self.neuron(99, ip: "192.0.2.9"), Self.neuron(5, ip: "2001:db8::1"),
        ]
        #expect(Self.uids(neurons) == [2, 5])
        var wide = MinerSelection()
        wide.minersPerAddressMax = 2
        #expect(Self.uids(neurons, wide) == [2, 3, 5])
    }

    @Test func aBlacklistedHotkeyTakesItsOwnerAlong() {
        var selection = MinerSelection()
        selection.blacklistedHotkeys = ["5H1"]
        let neurons = [
            Self.neuron(1, ip: "192.0.2.1", coldkey: "5Bad"),
            Self.neuron(2, ip: "192.0.2.2", coldkey: "5Bad"),
            Self.neuron(3, ip: "192.0.2.3"), Self.neuron(4, ip: "192.0.2.4", coldkey: "5Worse"),
        ]
        selection.blacklistedColdkeys = ["5Worse"]
        #expect(Self.uids(neurons, selection) == [3])
    }

    @Test func oldVersionsAreLeftOutAboveTheQuorum() {
        func neurons(_ updated: Int, _ old: Int) -> [Neuron] {
            (0..<updated + old).map {
                Self.neuron(UInt16($0), ip: "192.0.2.\($0)", version: $0 < updated ? 183 : 182)
            }.filter { $0.axon?.isServing == true }
        }
        #expect(Self.uids(neurons(6, 4)).count == 10)
        #expect(Self.uids(neurons(7, 4)).count == 7)
        var any = MinerSelection()
        any.versionMinimum = nil
        #expect(Self.uids(neurons(7, 4), any).count == 11)
        #expect(Self.uids([]).isEmpty)
    }
}
