internal import CarillonAPI
internal import CarillonGRPC
internal import Domain
internal import Security
internal import Storage
internal import SwiftProtobuf

// Addresses that users add.

extension PreferenceServer {
    /// The addresses of a change that its user has not got yet.
    func addedAddresses(
        _ draft: PersonalSettingsDraft, of user: UserID, _ scope: TenantScope, _ context: CallContext
    ) async throws(Status) -> [Address] {
        guard let addresses = draft.change.contactPoints, !addresses.isEmpty else { return [] }
        guard let record = try await scope.facts.users.read(user)?.record else { throw .userNotFound(user) }
        let known = Set(record.contactPoints.map { Address($0.channel, $0.address) })
        return addresses.filter { !known.contains($0) }
    }

    /// Asks whether those addresses are the user's that wait for it. An address that was asked about already is not asked about again.
    ///
    /// - Returns: what the user should know of questions that are not sent.
    func ask(
        _ user: UserRecord, by caller: Caller, _ scope: TenantScope, _ context: CallContext
    ) async throws(Status) -> [Carillon_V1_PreferenceNotice] {
        var notices: [Carillon_V1_PreferenceNotice] = []
        for point in user.ownContactPoints where point.channel == .email && point.state == .unverified {
            guard let since = point.ownSince, let question = ConfirmationQuestion(user, point.address, at: since),
                question.expiry > core.now
            else { continue }
            if let reason = try await publish(question, by: caller, scope, context) {
                notices.append(Notices.unasked(user, reason))
            }
        }
        return notices
    }

    /// Publishes a question.
    ///
    /// - Returns: why no mail is sent; nil when one is.
    private func publish(
        _ question: ConfirmationQuestion, by caller: Caller, _ scope: TenantScope, _ context: CallContext
    ) async throws(Status) -> Reason? {
        let key = try scope.dataKey(core.dependencies.keyring)
        let draft = try question.draft(key, scope.record, publicURL: core.dependencies.publicURL, now: core.now)
        let response = try await Publishing(core: core).publish(draft, in: scope, by: caller.actor, context)
        let mails = response.recipients.flatMap(\.channels).filter { $0.channel == .email }
        guard let mail = mails.first(where: { $0.verdict != .suppress }) ?? mails.first else { return .typeDisabled }
        return mail.verdict == .suppress ? Reason(rawValue: mail.reason) ?? .typeDisabled : nil
    }

    func sendConfirmation(
        _ request: Carillon_V1_SendConfirmationRequest, _ context: CallContext
    ) async throws -> Carillon_V1_SendConfirmationResponse {
        let caller = try await core.caller(context)
        var check = FieldCheck()
        let id = check.identifier(request.userID, "user_id", as: UserID.self)
        check.email(request.address, "address", isRequired: true)
        try check.check()
        guard let user = id else { throw Status.unauthenticated }
        let scope = try caller.requireAccess(to: user)
        guard let record = try await scope.facts.users.read(user)?.record else { throw Status.userNotFound(user) }
        let address = Address(.email, request.address)
        let found = try await stored(until: context.deadline) { () async throws(StorageError) in
            try await scope.store.ownContact(of: user, address)
        }
        guard let contact = found else {
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
        try scope.admitConfirmations(of: user, context)
        guard let question = ConfirmationQuestion(record, address.text, at: core.now) else {
            throw Status.userNotFound(user)
        }
        if let reason = try await publish(question, by: caller, scope, context) {
            throw Status(
                .failedPrecondition, .confirmationNotSent, "no mail is sent: \(reason.text)",
                metadata: ["reason": reason.rawValue])
        }
        var response = Carillon_V1_SendConfirmationResponse()
        response.expireTime = Google_Protobuf_Timestamp(question.expiry)
        return response
    }

    func confirmContactPoint(
        _ request: Carillon_V1_ConfirmContactPointRequest, _ context: CallContext
    ) async throws -> Carillon_V1_ConfirmContactPointResponse {
        let caller = try await core.caller(context)
        var check = FieldCheck()
        check.line(request.token, "token", limit: ConfirmationPage.tokenLimit, isRequired: true)
        try check.check()
        let confirming = Confirming(core: core)
        // Whose else a token may be is not said.
        let unknown = Status(
            .notFound, .confirmationTokenUnknown,
            "the token is none of this tenant's or this user's, or its address is no longer one of the user's")
        let scope: TenantScope
        switch caller.role {
        case .portalUser(let user, _, _): scope = try caller.requireAccess(to: user)
        default: scope = try caller.requireTenant()
        }
        guard let token = try confirming.token(request.token, of: scope),
            (try? caller.requireAccess(to: token.user)) != nil
        else { throw unknown }
        guard token.expiry > core.now else {
            throw Status(
                .failedPrecondition, .confirmationExpired,
                "the link is no longer good; ask for another by SendConfirmation")
        }
        guard
            let point = try await confirming.confirm(
                token, in: scope, origin: CallOrigin.text(of: context), on: context.loop, until: context.deadline)
        else { throw unknown }
        var response = Carillon_V1_ConfirmContactPointResponse()
        response.userID = token.user.rawValue
        response.contactPoint = Carillon_V1_ContactPoint(point)
        return response
    }
}

extension Notices {
    /// The notice that no mail asks about an address.
    fileprivate static func unasked(_ user: UserRecord, _ reason: Reason) -> Carillon_V1_PreferenceNotice {
        var notice = Carillon_V1_PreferenceNotice()
        notice.notificationType = ConfirmationQuestion.key.rawValue
        notice.audience = user.account == nil ? .internalIndividual : .customer
        notice.reason = "confirmation_not_sent"
        notice.explanation = "No mail asks to confirm an address that was added. \(reason.text)"
        return notice
    }
}
