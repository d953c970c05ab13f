@testable import Domain

/// Makes what fails as small as it can be, so that a failure can be read.
enum Shrinking {
    /// A world that fails, and none of whose simpler ones does.
    ///
    /// - Parameters:
    ///   - world: one that fails.
    ///   - fails: whether a world does.
    static func smallest(_ world: World, where fails: (World) -> Bool) -> World {
        var smallest = world
        // Each step takes something away for good, so this comes to an end.
        while let next = smallest.simpler.first(where: fails) { smallest = next }
        return smallest
    }
}
