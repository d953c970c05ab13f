internal import CarillonCLibUV

/// The memory of the process that was freed and is kept by malloc for the next who asks.
package enum FreeMemory {
    /// Bounds what is kept at the end of each thread's part of the heap. Once in a process that serves; any thread.
    ///
    /// Blocks below the bound are taken from the heap, greater ones from the system each time. At 4 MiB, the usual limit of a
    /// message, a message of 1 MiB costs a third less than with glibc's own rules.
    package static func bound() {
        carillon_malloc_bound(4 * 1024 * 1024)
    }

    /// Gives it back to the system. malloc does so by itself only with what lies above all that is in use, so that one small
    /// object may hold the peak of a flood for ever.
    ///
    /// It takes half a millisecond where there is little, and one more for each 6 MiB, during which others wait for the part
    /// of the heap that is being looked through: for a pool's thread, and seldom. Any thread.
    package static func giveBack() {
        carillon_malloc_trim()
    }
}
