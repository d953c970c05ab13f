internal import CarillonAPI
internal import Domain
internal import Storage

/// Addresses that a user adds, as a request brings them.
enum ContactPointReader {
    /// The most that one user may add.
    static let limit = 5

    /// Reads them; notes what is wrong.
    static func addresses(
        _ sent: [Carillon_V1_ContactPoint], _ path: String, _ check: inout FieldCheck
    ) -> [Address] {
        guard sent.count <= limit else {
            check.add(path, "has \(sent.count) addresses; at most \(limit) are taken", reason: "TOO_MANY")
            return []
        }
        var addresses: [Address] = []
        for (place, point) in sent.enumerated() {
            let field = "\(path)[\(place)]"
            guard let channel = channel(point, "\(field).channel", &check) else { continue }
            if point.address.isEmpty {
                check.add("\(field).address", "is required", reason: "REQUIRED")
            } else if channel == .email, !TextForms.isEmail(point.address) {
                check.add("\(field).address", "is not an e-mail address", reason: "MALFORMED")
            } else if channel == .sms, !TextForms.isPhone(point.address) {
                check.add(
                    "\(field).address", "is not a number in E.164 form, such as +4930123456", reason: "MALFORMED")
            }
            let address = Address(channel, point.address)
            if addresses.contains(address) { check.add(field, "stands there twice", reason: "REPEATED") }
            addresses.append(address)
        }
        return addresses
    }

    private static func channel(
        _ point: Carillon_V1_ContactPoint, _ field: String, _ check: inout FieldCheck
    ) -> Channel? {
        switch point.channel {
        case .email: return .email
        case .sms: return .sms
        case .unspecified: check.add(field, "is required", reason: "REQUIRED")
        case .inApp, .push, .webhook:
            check.add(field, "is not one whose addresses people add: EMAIL or SMS", reason: "UNSUPPORTED")
        case .UNRECOGNIZED: check.add(field, "is not a known channel", reason: "UNKNOWN")
        }
        return nil
    }
}

extension Carillon_V1_ContactPoint {
    /// An address as stored.
    init(_ point: ContactPoint) {
        self.init()
        channel = Carillon_V1_Channel(point.channel)
        address = point.address
        state = Carillon_V1_AddressState(point.state)
        fromPortal = point.isPortals
    }
}
