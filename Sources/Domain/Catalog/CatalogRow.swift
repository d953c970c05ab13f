/// One line of a catalog table on its way to a type.
struct CatalogRow {
    let number: Int
    private(set) var problems: [CatalogError.Problem] = []
    private let cells: [Substring]

    init(number: Int, line: Substring) {
        self.number = number
        cells = line.split(separator: "\t", omittingEmptySubsequences: false)
    }

    mutating func note(_ column: String, _ problem: String) {
        problems.append(.init(row: number, column: column, problem: problem))
    }

    /// The type, or nil when something is wrong; then `problems` says what.
    mutating func type() -> NotificationType? {
        let columns = CatalogParser.columns
        guard cells.count == columns.count else {
            note("", "has \(cells.count) columns, must have \(columns.count)")
            return nil
        }
        for (column, cell) in zip(columns, cells) where cell.isEmpty || cell.first == " " || cell.last == " " {
            note(column, "is empty or has space around it; write - for what does not apply")
        }
        guard problems.isEmpty else { return nil }

        let key = identifier("key", TypeKey.self)
        let category = identifier("category", CategoryName.self)
        let kind = word("kind", Kind.self)
        let priority = word("priority", Priority.self)
        let audiences = audiences()
        let channels = list("channels", Channel.self)
        let variables = variables()
        let respectsQuietHours = flag("quiet_hours", yes: "respect", no: "bypass")
        let isDigestible = flag("digestible")
        let isCommercial = flag("commercial")
        let excludesActor = flag("exclude_actor")
        guard problems.isEmpty, let key, let category, let kind, let priority, let channels else { return nil }

        let subject = template("subject_template", variables, allowing: [.ordinary, .pii])
        let customerLink = link("deep_link_path_customer", variables, needed: audiences.customer != nil)
        let isInternal = audiences.internalIndividual != nil || audiences.internalTeam != nil
        let internalLink = link("deep_link_path_internal", variables, needed: isInternal)
        let dedupeKey = template(
            "dedupe_key", variables, besides: CatalogParser.dedupeNames, allowing: [.ordinary, .pii])
        if !cell("dedupe_key").hasPrefix(key.rawValue + ":") {
            note("dedupe_key", "must begin with the key and a colon")
        }
        if variables.contains(where: { $0.sensitivity == .secret }) {
            if isDigestible { note("digestible", "must be no: the type has a secret variable") }
            for channel in channels where channel == .inApp || channel == .webhook {
                note("channels", "must not hold \(channel.rawValue): the type has a secret variable")
            }
        }
        guard problems.isEmpty, let subject, let dedupeKey else { return nil }

        return NotificationType(
            key: key, category: category, title: String(cell("title")), subject: subject, kind: kind,
            audiences: audiences, channels: channels, variables: variables, customerLink: customerLink,
            internalLink: internalLink, priority: priority, respectsQuietHours: respectsQuietHours,
            isDigestible: isDigestible, isCommercial: isCommercial, excludesActor: excludesActor,
            trigger: String(cell("trigger_and_cancel")), dedupeKey: dedupeKey, source: String(cell("source")))
    }

    private func cell(_ column: String) -> Substring {
        CatalogParser.columns.firstIndex(of: column).map { cells[$0] } ?? ""
    }

    // MARK: Cells

    private mutating func identifier<ID: Identifier>(_ column: String, _ type: ID.Type) -> ID? {
        let identifier = ID(String(cell(column)))
        if identifier == nil { note(column, "is not a valid \(ID.self)") }
        return identifier
    }

    private mutating func word<Word: RawRepresentable & CaseIterable>(
        _ column: String, _ type: Word.Type, among allowed: [Word]? = nil
    ) -> Word? where Word.RawValue == String {
        let allowed = allowed ?? Array(Word.allCases)
        let text = cell(column)
        let word = allowed.first { $0.rawValue == text }
        if word == nil { note(column, "must be one of " + allowed.map(\.rawValue).joined(separator: ", ")) }
        return word
    }

    private mutating func flag(_ column: String, yes: String = "yes", no: String = "no") -> Bool {
        let text = cell(column)
        if text != yes, text != no { note(column, "must be \(yes) or \(no)") }
        return text == yes
    }

    private mutating func list<Word: RawRepresentable & CaseIterable & Hashable>(
        _ column: String, _ type: Word.Type
    ) -> [Word]? where Word.RawValue == String {
        let texts = cell(column).split(separator: ",", omittingEmptySubsequences: false)
        let words = texts.compactMap { Word(rawValue: String($0)) }
        guard words.count == texts.count, Set(words).count == words.count else {
            let names = Word.allCases.map(\.rawValue).joined(separator: ", ")
            note(column, "must be a list, parted by commas, without repetition, of \(names)")
            return nil
        }
        return words
    }

    // MARK: Audiences

    private mutating func audiences() -> PerAudience<NotificationType.AudienceTerms?> {
        let listed = Set(list("audiences", Audience.self) ?? [])
        var terms = PerAudience<NotificationType.AudienceTerms?>(
            customer: nil, internalIndividual: nil, internalTeam: nil)
        terms.customer = customerTerms(isListed: listed.contains(.customer))

        let isIndividual = listed.contains(.internalIndividual)
        let hasSetting = applies("internal_individual_setting", isListed: isIndividual)
        let hasScope = applies("internal_individual_scope", isListed: isIndividual)
        if hasSetting, hasScope,
            let preset = word("internal_individual_setting", Preset.self, among: Preset.withoutStandIn),
            let scope = word("internal_individual_scope", Scope.self, among: [.assignedRep, .addressedUser])
        {
            terms.internalIndividual = .init(setting: Setting(preset), scope: scope)
        }

        if applies("internal_team_setting", isListed: listed.contains(.internalTeam)),
            let preset = word("internal_team_setting", Preset.self, among: Preset.withoutStandIn)
        {
            terms.internalTeam = .init(setting: Setting(preset), scope: .account)
        }
        return terms
    }

    private mutating func customerTerms(isListed: Bool) -> NotificationType.AudienceTerms? {
        let hasSetting = applies("customer_setting", isListed: isListed)
        let hasScope = applies("customer_scope", isListed: isListed)
        guard hasSetting, hasScope else {
            _ = applies("customer_others_default", isListed: false)
            return nil
        }
        let preset = word("customer_setting", Preset.self)
        let scope = word("customer_scope", Scope.self, among: [.account, .accountAdmins, .addressedUser])
        let hasOthers = applies("customer_others_default", isListed: preset == .mandatoryAtLeastOne)
        let others =
            hasOthers ? word("customer_others_default", Preset.self, among: [.subscribed, .enabled]) : nil
        guard let preset, let scope else { return nil }
        return .init(setting: Setting(preset, othersSubscribed: others == .subscribed), scope: scope)
    }

    /// Whether a column has a value; it is a problem when it has one and should not, or the other way round.
    private mutating func applies(_ column: String, isListed: Bool) -> Bool {
        let hasValue = cell(column) != "-"
        if hasValue != isListed {
            note(column, isListed ? "must have a value" : "must be -, as it does not apply")
        }
        return hasValue && isListed
    }

    // MARK: Variables and templates

    private mutating func variables() -> [Variable] {
        var classes: [Substring: Sensitivity] = [:]
        for (name, text) in pairs("sensitive_variables", separator: "=") {
            guard let sensitivity = Sensitivity(rawValue: String(text)), sensitivity != .ordinary else {
                note("sensitive_variables", "\(name) must be secret, financial, content or pii")
                continue
            }
            if classes.updateValue(sensitivity, forKey: name) != nil {
                note("sensitive_variables", "\(name) stands there twice")
            }
        }
        var variables: [Variable] = []
        for (name, text) in pairs("variables", separator: ":") {
            guard Variable.isValid(name: name.utf8), !Variable.implicitNames.contains(String(name)) else {
                note("variables", "\(name) is not a name that a variable may have")
                continue
            }
            guard let type = VariableType(rawValue: String(text)) else {
                let names = VariableType.allCases.map(\.rawValue).joined(separator: ", ")
                note("variables", "\(name) has an unknown type; one of \(names)")
                continue
            }
            if variables.contains(where: { $0.name == name }) { note("variables", "\(name) stands there twice") }
            let sensitivity = classes.removeValue(forKey: name) ?? .ordinary
            variables.append(Variable(name: String(name), type: type, sensitivity: sensitivity))
        }
        for name in classes.keys.sorted() { note("sensitive_variables", "\(name) is not among the variables") }
        return variables
    }

    /// The parts of `name:value; name:value`; none when the cell is `-`.
    private mutating func pairs(_ column: String, separator: Character) -> [(Substring, Substring)] {
        let text = cell(column)
        guard text != "-" else { return [] }
        var pairs: [(Substring, Substring)] = []
        for part in text.split(separator: ";", omittingEmptySubsequences: false) {
            let trimmed = part.drop { $0 == " " }
            guard let place = trimmed.firstIndex(of: separator) else {
                note(column, "must be a list of name\(separator)value parted by semicolons")
                continue
            }
            pairs.append((trimmed[..<place], trimmed[trimmed.index(after: place)...]))
        }
        return pairs
    }

    private mutating func template(
        _ column: String, _ variables: [Variable], besides: Set<String> = Variable.implicitNames,
        allowing allowed: Set<Sensitivity>
    ) -> TextTemplate? {
        guard let template = TextTemplate(cell(column)) else {
            note(column, "has braces that do not enclose a variable's name")
            return nil
        }
        for name in template.variableNames where !besides.contains(name) {
            guard let variable = variables.first(where: { $0.name == name }) else {
                note(column, "names \(name), which is not among the variables")
                continue
            }
            if !allowed.contains(variable.sensitivity) {
                note(column, "must not name \(name), which is \(variable.sensitivity.rawValue)")
            }
        }
        return template
    }

    private mutating func link(_ column: String, _ variables: [Variable], needed: Bool) -> TextTemplate? {
        guard applies(column, isListed: needed) else { return nil }
        let text = cell(column)
        if !text.hasPrefix("/") || text.hasPrefix("//") || text.contains("/../") || text.contains(" ") {
            note(column, "must be a path that begins with one slash")
        }
        return template(column, variables, besides: [], allowing: [.ordinary])
    }
}

extension Preset {
    /// The presets of audiences without a default user of their own in the catalog.
    fileprivate static let withoutStandIn: [Preset] = [.disabled, .enabled, .subscribed, .mandatoryAll]
}
