internal import CarillonCLibUV

/// What a descriptor is ready for, or what its owner wants to hear of.
package struct ReadyEvents: OptionSet, Sendable {
    package let rawValue: Int32

    package init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// Bytes, a connection or an error can be read.
    package static let readable = ReadyEvents(rawValue: 1)
    /// Bytes can be written, or a connection attempt has ended.
    package static let writable = ReadyEvents(rawValue: 2)
}

/// Tells its owner when a descriptor is ready. Level-triggered: what is not read is told again.
///
/// The descriptor stays its owner's: it must outlive the watch, and is closed by the owner after ``close()``.
/// Confined to its loop's thread.
package final class DescriptorWatch {
    /// The watched descriptor.
    package let descriptor: CInt
    private let loop: EventLoop
    private var poll: UnsafeMutablePointer<uv_poll_t>?
    private let onReady: (ReadyEvents) -> Void

    init(loop: EventLoop, descriptor: CInt, onReady: @escaping (ReadyEvents) -> Void) {
        self.loop = loop
        self.descriptor = descriptor
        self.onReady = onReady
        let poll = UnsafeMutablePointer<uv_poll_t>.allocate(capacity: 1)
        guard uv_poll_init(loop.uv, poll, descriptor) == 0 else {
            // A descriptor that epoll refuses (a plain file, a closed one) is never ready; its owner's timeout ends it.
            poll.deallocate()
            return
        }
        self.poll = poll
    }

    /// What the owner wants to hear of; nothing at first. Setting it after ``close()`` does nothing.
    package var interest: ReadyEvents = [] {
        didSet {
            loop.assertOnLoop()
            guard interest != oldValue else { return }
            arm()
        }
    }

    private func arm() {
        guard let poll else { return }
        guard !interest.isEmpty else {
            uv_poll_stop(poll)
            return
        }
        // Safe unretained: the owner holds the watch until close(), which stops the callbacks.
        poll.pointee.data = Unmanaged.passUnretained(self).toOpaque()
        uv_poll_start(poll, interest.rawValue) { handle, status, events in
            guard let data = handle?.pointee.data else { return }
            Unmanaged<DescriptorWatch>.fromOpaque(data).takeUnretainedValue().ready(status, events)
        }
    }

    private func ready(_ status: CInt, _ events: CInt) {
        loop.wakeUp()
        guard status < 0 else { return onReady(ReadyEvents(rawValue: events)) }
        // An error is reported as readiness for all, so that the owner's next call meets it. libuv has stopped watching;
        // the owner may first read what came before the error, and meets it with the call after.
        onReady([.readable, .writable])
        arm()
    }

    /// Ends the watch; no callback comes after. The descriptor may be closed right after.
    package func close() {
        loop.assertOnLoop()
        guard let poll else { return }
        self.poll = nil
        uv_poll_stop(poll)
        poll.pointee.data = nil
        uv_close(poll.handle) { handle in
            guard let handle else { return }
            UnsafeMutableRawPointer(handle).assumingMemoryBound(to: uv_poll_t.self).deallocate()
        }
    }

    deinit {
        assert(poll == nil, "a descriptor watch was dropped without close()")
    }
}

extension EventLoop {
    /// Begins to watch a descriptor, which is set to non-blocking. Loop's thread only.
    package func watch(descriptor: CInt, _ onReady: @escaping (ReadyEvents) -> Void) -> DescriptorWatch {
        assertOnLoop()
        return DescriptorWatch(loop: self, descriptor: descriptor, onReady: onReady)
    }
}
