import Testing

@testable import Domain

/// A world that fails comes down to what makes it fail.
@Suite struct ShrinkingTests {
    /// Something waits for the end of quiet hours: what nobody would do, did a wrong property hold.
    private static func somebodyWaits(_ world: World) -> Bool {
        Outcome(engine: world).resolved.contains { entry in
            Channel.allCases.contains { entry.answer.channels[$0]?.reason == .quietHours }
        }
    }

    @Test func nobodyIsEverDeferredComesDownToOneUserWithASchedule() throws {
        let failing = (0..<20_000 as Range<UInt64>).lazy.filter { Self.somebodyWaits(WorldGenerator.world($0)) }
        let seeds = Array(failing.prefix(10))
        #expect(seeds.count == 10)
        for seed in seeds {
            let world = Shrinking.smallest(WorldGenerator.world(seed), where: Self.somebodyWaits)
            #expect(!world.simpler.contains(where: Self.somebodyWaits), "seed \(seed)")
            let people = (world.customers?.users ?? []) + world.supplier.users
            let person = try #require(people.first)
            #expect(people.count == 1, "seed \(seed)\n\(world.text)")
            #expect(person.clock?.hours != nil, "seed \(seed)\n\(world.text)")
            #expect(person.facts.snoozedUntil == nil, "\(world.text)")
            #expect(Audience.allCases.allSatisfy { person.facts.choices[$0].isEmpty }, "\(world.text)")
            #expect(world.channels == [.email] && world.settings == TenantSettings(), "\(world.text)")
            #expect(Audience.allCases.filter { world.terms[$0] != nil }.count == 1, "\(world.text)")
        }
    }

    /// A world that is as simple as can be has nothing to take away.
    @Test func theEmptyWorldHasNoSimplerOne() {
        var world = World()
        world.now = Instant(seconds: 0)
        #expect(world.simpler.isEmpty)
    }
}
