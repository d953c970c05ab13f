internal import CarillonAPI
internal import CarillonGRPC
internal import Domain
internal import Storage

/// PreferenceService: whether somebody is to be told (``PreferenceCheck``), and what people choose.
struct PreferenceServer: PreferenceServiceHandler {
    let core: ServiceCore
}

/// The audience that a request names.
enum AudienceChoice {
    /// The named audience, or the user's own.
    ///
    /// - Throws: INVALID_ARGUMENT for one that the user cannot be considered in.
    static func read(_ sent: Carillon_V1_Audience, of subject: Subject, field: String) throws(Status) -> Audience {
        if sent == .unspecified { return subject.ownAudience }
        var violations = RequestViolations()
        if let audience = Audience(sent) {
            if subject.belongs(to: audience) { return audience }
            violations.add(
                field, "is not one of the user's: users of accounts are customers, those of the supplier internal")
        } else {
            violations.add(field, "is not a known audience", reason: "UNKNOWN")
        }
        try violations.check(.audienceNotAllowed)
        return subject.ownAudience
    }
}
