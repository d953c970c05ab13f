internal import CarillonGRPC
internal import CarillonNet
internal import Domain
internal import Security
internal import Storage

/// The page that the link in a mail leads to. To open it changes nothing, since mail scanners open every link; its button, and the
/// POST by which mail programs stop mails with one click (RFC 8058), do. It needs no sign-in and sets no cookie.
struct UnsubscribePage {
    /// Its path.
    static let path = "/unsubscribe"
    /// The longest token that is looked at, in octets.
    static let tokenLimit = UnsubscribeToken.greatestLength

    let core: ServiceCore

    var page: CarillonGRPC.Page {
        CarillonGRPC.Page(Self.path, methods: [.get, .post], bodyLimit: 4 * 1024, async: { await answer($0) })
    }

    private func answer(_ request: PageRequest) async -> PageAnswer {
        guard let state = core.stateHere else { return Self.later }
        let loop = state.loop
        do throws(Status) {
            guard let text = request.parameters["token"], text.utf8.count <= Self.tokenLimit,
                let tenant = SealedToken.tenant(of: text), let scope = try await state.pageScope(named: tenant),
                let offer = try await Unsubscribing(core: core).offer(text, of: scope)
            else { return Self.unknown }
            let supplier = scope.record.displayName
            if let lock = offer.lock { return Self.locked(offer.type, supplier, lock) }
            guard request.method == .post else { return Self.question(offer.type, supplier) }
            try await Unsubscribing(core: core).accept(
                offer, origin: "unsubscribe link", on: loop, until: loop.now.advanced(by: PlainPage.patience))
            return Self.done(offer.type, supplier)
        } catch {
            return error.code == .notFound ? Self.unknown : Self.later
        }
    }

    // MARK: Words

    private static let unknown = PlainPage.answer(
        404, "This link does not work", "It is not complete, or what it was for is gone. Nothing was changed.")
    private static let later = PlainPage.answer(
        503, "Please try again in a moment", "The service cannot be reached at the moment. Nothing was changed.")

    private static func question(_ type: NotificationType, _ supplier: String) -> PageAnswer {
        PlainPage.answer(
            200, "Stop these mails?",
            "\(supplier) would send you no more mails of the kind \u{201c}\(type.title)\u{201d}. Other mails, and what you see in the "
                + "portal, stay as they are.",
            button: "Stop these mails")
    }

    private static func done(_ type: NotificationType, _ supplier: String) -> PageAnswer {
        PlainPage.answer(
            200, "You will get no more of these mails",
            "\(supplier) sends you no more mails of the kind \u{201c}\(type.title)\u{201d}. To get them again, sign in to the portal and "
                + "change your preferences.")
    }

    private static func locked(_ type: NotificationType, _ supplier: String, _ decision: Decision) -> PageAnswer {
        PlainPage.answer(
            200, "These mails cannot be stopped",
            "\(supplier) requires mails of the kind \u{201c}\(type.title)\u{201d}. \(decision.reason.text) Nothing was changed."
        )
    }
}
