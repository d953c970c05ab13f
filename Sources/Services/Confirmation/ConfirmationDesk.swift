internal import CarillonAPI
internal import CarillonGRPC
internal import CarillonNet
internal import Domain
internal import Security
internal import Storage
internal import SwiftProtobuf

/// Asks about the addresses that a call adds, and tells of what it changes.
struct ConfirmationDesk {
    let core: ServiceCore
    let scope: TenantScope
    let caller: Caller
    let context: CallContext

    /// Asks whether those addresses are the user's that wait for it. One that was asked about already is not asked about again. The
    /// addresses are stored by now, so what fails is no failure of the call.
    ///
    /// - Parameters:
    ///   - user: the user, with the addresses.
    ///   - counted: those of which the mails are counted already.
    /// - Returns: what the user should know of questions that are not sent.
    func ask(_ user: UserRecord, counted: [Address]) async -> [Carillon_V1_PreferenceNotice] {
        var notices: [Carillon_V1_PreferenceNotice] = []
        for point in user.ownContactPoints where point.channel == .email && point.state == .unverified {
            guard let since = point.ownSince, let question = ConfirmationQuestion(user, point.address, at: since),
                question.expiry > core.now
            else { continue }
            let address = Address(.email, point.address)
            do throws(Status) {
                guard let contact = try await contact(of: user.id, address) else { continue }
                let answer =
                    contact.state == .unverified ? try await publish(question) : .refused(contact.state.suppression)
                switch answer {
                case .published:
                    // Somebody else took the address away and this call stored it anew: nobody has counted that.
                    if !counted.contains(address) {
                        scope.chargeConfirmation(of: user.id, at: address, context.loop.now)
                    }
                case .refused(let reason): notices.append(.unasked(user, point.address, reason?.text ?? ""))
                case .known: break
                }
            } catch {
                notices.append(.unasked(user, point.address, "\(error.message). SendConfirmation asks again."))
            }
        }
        return notices
    }

    /// Asks about one address, now.
    ///
    /// - Returns: until when the link in the mail works.
    /// - Throws: NOT_FOUND for an address that the user has not added; FAILED_PRECONDITION where there is nothing to ask or no mail can;
    ///   RESOURCE_EXHAUSTED with the reason CONFIRMATION_RATE.
    func askAgain(_ user: UserRecord, _ text: String) async throws(Status) -> Instant {
        let address = Address(.email, text)
        guard let contact = try await contact(of: user.id, address) else {
            throw Status(.notFound, .contactPointNotFound, "the user has not added this address")
        }
        switch contact.state {
        case .unverified: break
        case .usable: throw Status(.failedPrecondition, .addressConfirmed, "the address is confirmed")
        case let state:
            throw Status(
                .failedPrecondition, .addressSuppressed,
                "nobody writes to the address, since it has bounced or its owner wants it so; see RemoveSuppression",
                metadata: ["state": state.rawValue])
        }
        guard let question = ConfirmationQuestion(user, text, at: core.now) else { throw .userNotFound(user.id) }
        try scope.admitConfirmations(of: user.id, at: [address], context)
        do throws(Status) {
            if case .refused(let reason) = try await publish(question) {
                throw Status(
                    .failedPrecondition, .confirmationNotSent, "no mail is sent: \(reason?.text ?? "")",
                    metadata: ["reason": reason?.rawValue ?? ""])
            }
        } catch {
            scope.giveBackConfirmations(of: user.id, at: [address])
            throw error
        }
        return question.expiry
    }

    /// Tells whose address the portal gives that mails go elsewhere, if they do from now on.
    func tellOfChange(from before: UserRecord, to after: UserRecord) async {
        guard let change = ChangedAddress(from: before, to: after, at: core.now) else { return }
        let publisher = NoticePublisher(core: core, scope: scope, actor: caller.actor)
        await publisher.publish(about: after.account) { _ throws(Status) in try change.draft(now: core.now) }
    }

    private func contact(of user: UserID, _ address: Address) async throws(Status) -> OwnContact? {
        try await stored(until: context.deadline) { () async throws(StorageError) in
            try await scope.store.ownContact(of: user, address)
        }
    }

    /// What became of a question.
    private enum Answer {
        /// A mail is on its way.
        case published
        /// It was asked before.
        case known
        /// No mail is sent, for this reason.
        case refused(Reason?)
    }

    private func publish(_ question: ConfirmationQuestion) async throws(Status) -> Answer {
        let key = try scope.dataKey(core.dependencies.keyring)
        let draft = try question.draft(key, scope.record, publicURL: core.dependencies.publicURL, now: core.now)
        let response: Carillon_V1_PublishResponse
        do throws(Status) {
            response = try await Publishing(core: core, in: scope, by: caller.actor, context).publish(draft)
        } catch {
            // It was asked in other words: the user has another name since.
            if error.code == .alreadyExists { return .known }
            throw error
        }
        let mails = response.recipients.flatMap(\.channels).filter { $0.channel == .email }
        guard mails.contains(where: { $0.verdict != .suppress }) else {
            return .refused(mails.first.flatMap { Reason(rawValue: $0.reason) })
        }
        return response.replayed ? .known : .published
    }
}

extension Carillon_V1_PreferenceNotice {
    /// The notice that no mail asks about an address.
    fileprivate static func unasked(_ user: UserRecord, _ address: String, _ why: String) -> Self {
        .with {
            $0.notificationType = ConfirmationQuestion.key.rawValue
            $0.audience = user.account == nil ? .internalIndividual : .customer
            $0.reason = "confirmation_not_sent"
            $0.explanation = "No mail asks to confirm \(address): \(why)"
        }
    }
}
