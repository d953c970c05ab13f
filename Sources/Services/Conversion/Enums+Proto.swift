internal import CarillonAPI
internal import Domain
internal import Storage

// Words of the interface and of Domain, one to one. Numbers that this version does not know are nil: the caller is told.

extension Carillon_V1_Channel {
    init(_ channel: Channel) {
        self =
            switch channel {
            case .email: .email
            case .inApp: .inApp
            case .push: .push
            case .sms: .sms
            case .webhook: .webhook
            }
    }
}

extension Channel {
    init?(_ channel: Carillon_V1_Channel) {
        switch channel {
        case .email: self = .email
        case .inApp: self = .inApp
        case .push: self = .push
        case .sms: self = .sms
        case .webhook: self = .webhook
        case .unspecified, .UNRECOGNIZED: return nil
        }
    }
}

extension Carillon_V1_Audience {
    init(_ audience: Audience) {
        self =
            switch audience {
            case .customer: .customer
            case .internalIndividual: .internalIndividual
            case .internalTeam: .internalTeam
            }
    }
}

extension Audience {
    init?(_ audience: Carillon_V1_Audience) {
        switch audience {
        case .customer: self = .customer
        case .internalIndividual: self = .internalIndividual
        case .internalTeam: self = .internalTeam
        case .unspecified, .UNRECOGNIZED: return nil
        }
    }
}

extension Carillon_V1_NotificationKind {
    init(_ kind: Kind) {
        self =
            switch kind {
            case .transactional: .transactional
            case .statusChange: .statusChange
            case .reminder: .reminder
            case .digest: .digest
            }
    }
}

extension Kind {
    init?(_ kind: Carillon_V1_NotificationKind) {
        switch kind {
        case .transactional: self = .transactional
        case .statusChange: self = .statusChange
        case .reminder: self = .reminder
        case .digest: self = .digest
        case .unspecified, .UNRECOGNIZED: return nil
        }
    }
}

extension Carillon_V1_Priority {
    init(_ priority: Priority) {
        self =
            switch priority {
            case .low: .low
            case .normal: .normal
            case .high: .high
            case .critical: .critical
            }
    }
}

extension Carillon_V1_Preset {
    init(_ preset: Preset) {
        self =
            switch preset {
            case .disabled: .disabled
            case .enabled: .enabled
            case .subscribed: .enabledSubscribed
            case .mandatoryAtLeastOne: .mandatoryOne
            case .mandatoryAll: .mandatoryAll
            }
    }
}

extension Carillon_V1_Mandatory {
    init(_ mandatory: Mandatory) {
        self =
            switch mandatory {
            case .none: .none
            case .atLeastOne: .atLeastOne
            case .all: .all
            }
    }
}

extension Carillon_V1_SettingSource {
    init(_ source: Trace.SettingSource) {
        self =
            switch source {
            case .account: .account
            case .tenant: .tenant
            case .catalog: .catalog
            }
    }
}

extension Carillon_V1_AddressState {
    init(_ state: AddressState) {
        self =
            switch state {
            case .usable: .usable
            case .missing: .missing
            case .unverified: .unverified
            case .hardBounced: .hardBounced
            case .complained: .complained
            case .stopped: .stopped
            case .tokenGone: .tokenGone
            case .blocked: .blocked
            }
    }
}

extension Carillon_V1_UserState {
    init(_ status: UserFacts.Status) {
        self =
            switch status {
            case .active: .active
            case .invited: .invited
            case .notInvited: .notInvited
            case .disabled, .erased: .disabled
            }
    }
}

extension Carillon_V1_EnabledPolicy {
    init(_ policy: TenantSettings.EnabledWithoutSubscription) {
        self =
            switch policy {
            case .optIn: .optIn
            case .deliver: .deliver
            }
    }
}

extension Carillon_V1_TenantState {
    init(_ state: TenantState) {
        self =
            switch state {
            case .active: .active
            case .suspended: .suspended
            case .deleting: .deleting
            }
    }
}

extension Carillon_V1_AttemptOutcome {
    init(_ outcome: AttemptOutcome) {
        self =
            switch outcome {
            case .accepted: .accepted
            case .temporaryFailure: .temporaryFailure
            case .permanentFailure: .permanentFailure
            case .unknown: .unknown
            }
    }
}
