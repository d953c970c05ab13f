import Domain
import Testing

@testable import Delivery

@Suite struct SmallPartsTests {
    @Test(
        arguments: [
            ProviderSettings.smtp(
                .init(
                    host: "relay.example", port: 587, security: .startTLS, username: "u", fromAddress: "a@b.example",
                    fromName: "Ä \"B\"", replyTo: "c@b.example")),
            .smtp(.init(host: "::1", port: 25, security: .none, fromAddress: "a@b.example")),
            .maildir(.init(directory: "/var/mail/x", fromAddress: "a@b.example")),
            .maildir(.init(directory: "/var/mail/x")),
        ])
    func settingsSurviveStorage(settings: ProviderSettings) {
        #expect(ProviderSettings(kind: settings.kind, config: settings.config) == settings)
    }

    @Test(
        arguments: [
            ("smtp", "{}"), ("smtp", "nonsense"), ("maildir", #"{"host": "x"}"#), ("pigeon", "{}"),
            (
                "smtp",
                #"{"host":"h","port":25,"security":"rot13","username":"","from_address":"","from_name":"","reply_to":""}"#
            ),
        ])
    func settingsOfOtherFormsAreRefused(kind: String, config: String) {
        #expect(ProviderSettings(kind: kind, config: config) == nil)
    }

    @Test(
        arguments: [
            ("https://Portal.Example/app", "portal.example"), ("https://portal.example:8443", "portal.example"),
            ("nonsense", "tst.carillon.invalid"), ("", "tst.carillon.invalid"),
            ("https://ü.example", "tst.carillon.invalid"), ("https://[::1]/", "tst.carillon.invalid"),
        ])
    func identitiesStandInTheDomainOfThePortal(portal: String, domain: String) {
        let notification = NotificationID(UUIDv7(milliseconds: 1_794_744_000_000, randomness: (1, 2)))
        let tenant = TenantID(unchecked: "tst")
        let identity = MessageIdentity.of(notification, on: .email, tenant: tenant, portalURL: portal)
        #expect(identity == "\(notification).email@\(domain)")
        #expect(identity == MessageIdentity.of(notification, on: .email, tenant: tenant, portalURL: portal))
        #expect(identity != MessageIdentity.of(notification, on: .sms, tenant: tenant, portalURL: portal))
    }
}
