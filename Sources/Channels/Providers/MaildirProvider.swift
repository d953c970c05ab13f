package import CarillonNet
internal import Domain

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// E-mail into a folder in Maildir form, for development: every mail program and Python's `mailbox` can read it.
///
/// A mail is written and synced in `tmp/` and then renamed into `new/`, so a reader sees whole mails only, and a mail that
/// was answered for survives a crash. The blocking work runs on the loop's pool.
package struct MaildirProvider: ChannelProvider {
    private let loop: EventLoop
    private let directory: String
    private let makeBoundary: @Sendable () -> String

    /// Makes a provider that writes into a folder, which is made when it is missing.
    ///
    /// - Parameters:
    ///   - loop: the loop that the provider is called on.
    ///   - directory: absolute path; the folders `tmp`, `new` and `cur` come below it.
    ///   - makeBoundary: makes the boundary of each message; tests give their own.
    package init(
        loop: EventLoop, directory: String,
        makeBoundary: @escaping @Sendable () -> String = MIMEComposer.randomBoundary
    ) {
        self.loop = loop
        self.directory = directory
        self.makeBoundary = makeBoundary
    }

    /// Writes one mail.
    package func send(_ message: EmailMessage) async -> Outcome {
        let bytes: [UInt8]
        do throws(MessageError) {
            bytes = try MIMEComposer.compose(message, boundary: makeBoundary())
        } catch {
            return .permanent(.init(.messageInvalid, detail: error.description))
        }
        let random = UInt64.random(in: .min ... .max)
        let name = "\(message.date.seconds).P\(getpid())R\(String(random, radix: 16)).carillon"
        let directory = directory
        do {
            try await loop.offload { try MaildirFile.deliver(bytes, as: name, into: directory) }
            return .delivered(.init(reference: name))
        } catch let error as MaildirFile.Failure {
            let failure = Outcome.Failure(.storageFailed, code: "errno \(error.number)")
            return error.isVisible ? .unknown(failure) : .temporary(failure)
        } catch {
            return .temporary(.init(.cancelled))
        }
    }
}

/// The system calls of a delivery into a Maildir.
private enum MaildirFile {
    /// A system call failed.
    struct Failure: Error {
        /// The system's error number.
        let number: CInt
        /// Whether the mail can be seen already.
        let isVisible: Bool
    }

    // Safe throughout: the system copies each path before it returns.
    static func deliver(_ bytes: [UInt8], as name: String, into directory: String) throws(Failure) {
        for folder in ["", "/tmp", "/new", "/cur"] {
            guard unsafe mkdir(directory + folder, 0o700) == 0 || errno == EEXIST else { throw failure() }
        }
        let temporary = "\(directory)/tmp/\(name)"
        do throws(Failure) {
            try write(bytes, to: temporary)
            guard unsafe rename(temporary, "\(directory)/new/\(name)") == 0 else { throw failure() }
        } catch {
            unsafe unlink(temporary)
            throw error
        }
        try sync(folder: "\(directory)/new")
    }

    private static func write(_ bytes: [UInt8], to path: String) throws(Failure) {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure() }
        var offset = 0
        while offset < bytes.count {
            // Safe because the offset stays below the count.
            let written = unsafe bytes.withUnsafeBytes { space in
                unsafe systemWrite(descriptor, UnsafeRawBufferPointer(rebasing: space[offset...]))
            }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw closing(descriptor) }
            offset += written
        }
        guard fsync(descriptor) == 0 else { throw closing(descriptor) }
        guard close(descriptor) == 0 else { throw failure() }
    }

    /// Makes the new name itself durable.
    private static func sync(folder: String) throws(Failure) {
        let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0, fsync(descriptor) == 0 else {
            let number = errno
            if descriptor >= 0 { close(descriptor) }
            throw Failure(number: number, isVisible: true)
        }
        close(descriptor)
    }

    private static func systemWrite(_ descriptor: CInt, _ bytes: UnsafeRawBufferPointer) -> Int {
        #if canImport(Glibc)
            unsafe Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        #elseif canImport(Musl)
            unsafe Musl.write(descriptor, bytes.baseAddress, bytes.count)
        #else
            unsafe Darwin.write(descriptor, bytes.baseAddress, bytes.count)
        #endif
    }

    private static func closing(_ descriptor: CInt) -> Failure {
        let number = errno
        close(descriptor)
        return Failure(number: number, isVisible: false)
    }

    private static func failure() -> Failure {
        Failure(number: errno, isVisible: false)
    }
}
