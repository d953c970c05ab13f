internal import CarillonAPI
internal import Domain

extension Carillon_V1_NotificationType {
    init(_ type: NotificationType) {
        self.init()
        notificationType = type.key.rawValue
        category = type.category.rawValue
        displayName = type.title
        kind = Carillon_V1_NotificationKind(type.kind)
        trigger = type.trigger
        audiences = Audience.allCases.filter { type.audiences[$0] != nil }.map { Carillon_V1_Audience($0) }
        channels = type.channels.map { Carillon_V1_Channel($0) }
        variables = type.variables.map { Carillon_V1_ContextVariable($0) }
        subjectTemplate = type.subject.description
        customerDeepLink = type.customerLink?.description ?? ""
        internalDeepLink = type.internalLink?.description ?? ""
        priority = Carillon_V1_Priority(type.priority)
        bypassesQuietHours = !type.respectsQuietHours
        digestible = type.isDigestible
        commercial = type.isCommercial
        excludesActor = type.excludesActor
    }
}

extension Carillon_V1_ContextVariable {
    init(_ variable: Variable) {
        self.init()
        name = variable.name
        type = Carillon_V1_VariableType(variable.type)
        sensitivity = Carillon_V1_Sensitivity(variable.sensitivity)
    }
}

extension Carillon_V1_VariableType {
    init(_ type: VariableType) {
        self =
            switch type {
            case .id: .id
            case .string: .string
            case .text: .text
            case .integer: .integer
            case .decimal: .decimal
            case .money: .money
            case .date: .date
            case .dateTime: .dateTime
            case .email: .email
            case .phone: .phone
            case .url: .url
            case .boolean: .boolean
            case .enumeration: .enum
            case .textList: .textList
            case .objectList: .objectList
            }
    }
}

extension Carillon_V1_Sensitivity {
    init(_ sensitivity: Sensitivity) {
        self =
            switch sensitivity {
            case .secret: .secret
            case .financial: .financial
            case .content: .content
            case .pii: .personal
            case .ordinary: .none
            }
    }
}

extension Carillon_V1_Setting {
    init(_ type: NotificationType, _ audience: Audience, _ setting: Setting, _ source: Trace.SettingSource) {
        self.init()
        notificationType = type.key.rawValue
        self.audience = Carillon_V1_Audience(audience)
        preset = Carillon_V1_Preset(setting.preset)
        enabled = setting.enabled
        defaultSubscribed = setting.defaultSubscribed
        mandatory = Carillon_V1_Mandatory(setting.mandatory)
        othersSubscribed = setting.mandatory == .atLeastOne && setting.othersSubscribed
        self.source = Carillon_V1_SettingSource(source)
    }
}
