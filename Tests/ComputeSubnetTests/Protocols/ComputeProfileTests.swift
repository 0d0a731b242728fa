import BittensorCore
import ComputeSubnet
import Testing

@Suite struct ComputeProfileTests {
    @Test func theTwoProfilesDifferWhereDocumentationAndReleaseDo() throws {
        let seed = try #require(ComputeProfile(named: "seed"))
        let release = try #require(ComputeProfile(named: "ni-1.8.3"))
        #expect(ComputeProfile(named: "ni-1.8.4") == nil)
        #expect(try seed.duration(timeline: 90) == .seconds(90))
        #expect(try release.duration(timeline: 90) == .seconds(90 * 86_400))
        #expect(seed.infoPlaceholders == release.infoPlaceholders)
        #expect(seed.servePlaceholders.first == 1 && seed.servePlaceholders.second == 2)
        #expect(release.servePlaceholders.first == 0 && release.servePlaceholders.second == 0)
        #expect(!seed.infoVersionIsText && release.infoVersionIsText)
    }

    @Test(arguments: ComputeProfile.all)
    func timelinesAreBounded(_ profile: ComputeProfile) throws {
        #expect(try profile.duration(timeline: 0) == .zero)
        for timeline in [-1, Int.max, Int.min, 366 * 86_400 + 1] {
            #expect(throws: ComputeError.self) { try profile.duration(timeline: timeline) }
        }
    }

    @Test func durationsRoundUpToUnits() {
        #expect(ComputeProfile.seed.timeline(for: .milliseconds(1)) == 1)
        #expect(ComputeProfile.seed.timeline(for: .seconds(5)) == 5)
        #expect(ComputeProfile.ni183.timeline(for: .seconds(1)) == 1)
        #expect(ComputeProfile.ni183.timeline(for: .seconds(86_400)) == 1)
        #expect(ComputeProfile.ni183.timeline(for: .seconds(86_401)) == 2)
        #expect(ComputeProfile.ni183.timeline(for: .zero) == 0)
        #expect(ComputeProfile.seed.timeline(for: .seconds(Int64.max)) > 0)
    }
}
