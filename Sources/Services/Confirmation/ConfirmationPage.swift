internal import CarillonGRPC
internal import CarillonNet
internal import Domain
internal import Security
internal import Storage

/// The page that the link in a mail leads to which asks whether an address is a user's. To open it changes nothing, since mail scanners
/// open every link; its button does. It needs no sign-in and sets no cookie.
struct ConfirmationPage {
    /// Its path.
    static let path = "/confirm"
    /// The longest token that is looked at, in octets.
    static let tokenLimit = ConfirmationToken.greatestLength

    let core: ServiceCore

    var page: CarillonGRPC.Page {
        CarillonGRPC.Page(Self.path, methods: [.get, .post], bodyLimit: 4 * 1024, async: { await answer($0) })
    }

    private func answer(_ request: PageRequest) async -> PageAnswer {
        guard let state = core.stateHere else { return Self.later }
        let loop = state.loop
        do throws(Status) {
            let confirming = Confirming(core: core)
            guard let text = request.parameters["token"], text.utf8.count <= Self.tokenLimit,
                let tenant = SealedToken.tenant(of: text), let scope = try await state.pageScope(named: tenant),
                let token = try confirming.token(text, of: scope)
            else { return Self.unknown }
            guard token.expiry > core.now else { return Self.expired }
            let (supplier, address) = (scope.record.displayName, MaskedAddress.of(token.address.text, on: .email))
            guard request.method == .post else { return Self.question(address, supplier) }
            guard
                let point = try await confirming.confirm(
                    token, in: scope, origin: "confirmation link", on: loop,
                    until: loop.now.advanced(by: PlainPage.patience))
            else { return Self.unknown }
            return point.state == .usable ? Self.done(address, supplier) : Self.suppressed(address, supplier)
        } catch {
            return error.code == .notFound ? Self.unknown : Self.later
        }
    }

    // MARK: Words

    private static let unknown = PlainPage.answer(
        404, "This link does not work", "It is not complete, or the address was taken back. Nothing was changed.")
    private static let expired = PlainPage.answer(
        410, "This link has expired",
        "Sign in to the portal, and ask for a new one in your preferences. Nothing was changed.")
    private static let later = PlainPage.answer(
        503, "Please try again in a moment", "The service cannot be reached at the moment. Nothing was changed.")

    private static func question(_ address: String, _ supplier: String) -> PageAnswer {
        PlainPage.answer(
            200, "Is this your address?",
            "Somebody wants mails of \(supplier)\u{2019}s portal to come to \(address). If it was not you, close this page: nothing will "
                + "come.",
            button: "Yes, send them here")
    }

    private static func done(_ address: String, _ supplier: String) -> PageAnswer {
        PlainPage.answer(
            200, "Your address is confirmed", "Mails of \(supplier)\u{2019}s portal come to \(address) from now on.")
    }

    private static func suppressed(_ address: String, _ supplier: String) -> PageAnswer {
        PlainPage.answer(
            200, "No mails can come here",
            "\(supplier) sends nothing to \(address), since mails to it came back or were reported as unwanted. Ask \(supplier) to lift "
                + "that.")
    }
}
