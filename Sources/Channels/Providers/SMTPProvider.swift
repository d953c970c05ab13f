package import Transfer

/// E-mail through an SMTP relay.
package struct SMTPProvider: ChannelProvider {
    private let client: TransferClient
    private let route: MailRoute
    private let timeouts: TransferTimeouts
    private let makeBoundary: @Sendable () -> String

    /// Makes a provider.
    ///
    /// - Parameters:
    ///   - client: sends; its loop is the loop that the provider is called on.
    ///   - route: the relay, and who we are to it.
    ///   - timeouts: how long the parts of an attempt may take.
    ///   - makeBoundary: makes the boundary of each message; tests give their own.
    package init(
        client: TransferClient, route: MailRoute, timeouts: TransferTimeouts = TransferTimeouts(),
        makeBoundary: @escaping @Sendable () -> String = MIMEComposer.randomBoundary
    ) {
        self.client = client
        self.route = route
        self.timeouts = timeouts
        self.makeBoundary = makeBoundary
    }

    /// Hands one mail to the relay.
    package func send(_ message: EmailMessage) async -> Outcome {
        let bytes: [UInt8]
        do throws(MessageError) {
            bytes = try MIMEComposer.compose(message, boundary: makeBoundary())
        } catch {
            return .permanent(.init(.messageInvalid, detail: error.description))
        }
        let transfer = MailTransfer(
            route: route, sender: message.from.address.text, recipient: message.to.address.text, message: bytes,
            timeouts: timeouts)
        do throws(TransferError) {
            let receipt = try await client.perform(transfer)
            return .delivered(.init(reference: receipt.reply.text, code: receipt.reply.description))
        } catch {
            return SMTPOutcome.outcome(of: error)
        }
    }
}
