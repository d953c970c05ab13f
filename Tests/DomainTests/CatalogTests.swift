import Testing

@testable import Domain

@Suite struct CatalogTests {
    private var rows: [[String]] {
        CatalogText.value.description.split(separator: "\n").dropFirst().map { line in
            line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        }
    }

    private func cell(_ row: [String], _ column: String) throws -> String {
        row[try #require(CatalogParser.columns.firstIndex(of: column))]
    }

    @Test func holdsAllTypes() throws {
        let catalog = Catalog.builtIn
        #expect(catalog.types.count == 358)
        #expect(catalog.categories.count == 25)
        var kinds: [Kind: Int] = [:]
        for type in catalog.types { kinds[type.kind, default: 0] += 1 }
        #expect(kinds == [.transactional: 125, .statusChange: 164, .reminder: 51, .digest: 18])
        for type in catalog.types { #expect(catalog[type.key] === type) }
        #expect(catalog[try #require(TypeKey("no.such_type"))] == nil)
    }

    @Test func countsPerSetting() {
        func counts(_ audience: Audience) -> [Preset: Int] {
            var counts: [Preset: Int] = [:]
            for type in Catalog.builtIn.types {
                if let preset = type.audiences[audience]?.setting.preset { counts[preset, default: 0] += 1 }
            }
            return counts
        }
        #expect(
            counts(.customer) == [
                .subscribed: 139, .mandatoryAtLeastOne: 71, .mandatoryAll: 40, .enabled: 22, .disabled: 7,
            ])
        #expect(counts(.internalIndividual) == [.subscribed: 169, .enabled: 98, .mandatoryAll: 17])
        #expect(counts(.internalTeam) == [.enabled: 115, .subscribed: 88, .mandatoryAll: 30, .disabled: 6])
    }

    @Test func everyRowSaysWhatItsTypeSays() throws {
        #expect(rows.count == Catalog.builtIn.types.count)
        for (row, type) in zip(rows, Catalog.builtIn.types) {
            func says(_ column: String, _ text: String) throws {
                #expect(try cell(row, column) == text, "\(type.key) \(column)")
            }
            let individual = type.audiences.internalIndividual
            try says("key", type.key.rawValue)
            try says("category", type.category.rawValue)
            try says("title", type.title)
            try says("subject_template", type.subject.description)
            try says("kind", type.kind.rawValue)
            try says(
                "audiences",
                Audience.allCases.filter { type.audiences[$0] != nil }.map(\.rawValue).joined(separator: ","))
            try says("customer_setting", type.audiences.customer?.setting.preset.rawValue ?? "-")
            try says("customer_scope", type.audiences.customer?.scope.rawValue ?? "-")
            try says("internal_individual_setting", individual?.setting.preset.rawValue ?? "-")
            try says("internal_individual_scope", individual?.scope.rawValue ?? "-")
            try says("internal_team_setting", type.audiences.internalTeam?.setting.preset.rawValue ?? "-")
            try says("channels", type.channels.map(\.rawValue).joined(separator: ","))
            try says(
                "variables", type.variables.map { "\($0.name):\($0.type.rawValue)" }.joined(separator: "; "))
            try says("deep_link_path_customer", type.customerLink?.description ?? "-")
            try says("deep_link_path_internal", type.internalLink?.description ?? "-")
            try says("priority", type.priority.rawValue)
            try says("quiet_hours", type.respectsQuietHours ? "respect" : "bypass")
            try says("digestible", type.isDigestible ? "yes" : "no")
            try says("commercial", type.isCommercial ? "yes" : "no")
            try says("exclude_actor", type.excludesActor ? "yes" : "no")
            try says("trigger_and_cancel", type.trigger)
            try says("dedupe_key", type.dedupeKey.description)
            try says("source", type.source)
            let others = try cell(row, "customer_others_default")
            if type.audiences.customer?.setting.preset == .mandatoryAtLeastOne {
                #expect(
                    others == (type.audiences.customer?.setting.othersSubscribed == true ? "subscribed" : "enabled"))
            } else {
                #expect(others == "-")
            }
            let sensitive = try cell(row, "sensitive_variables")
            let listed = sensitive == "-" ? [] : sensitive.split(separator: ";").map { $0.drop { $0 == " " } }
            let held = type.variables.filter { $0.sensitivity != .ordinary }.map {
                Substring("\($0.name)=\($0.sensitivity.rawValue)")
            }
            #expect(Set(listed) == Set(held), "\(type.key)")
        }
    }

    @Test func addingReplacesSameKeys() throws {
        let other = try Sample.type("invoice.created")
        let catalog = Catalog.builtIn.adding([other, try Sample.type("own.type")])
        #expect(catalog.types.count == 359)
        #expect(catalog[other.key] === other)
    }

    // MARK: What is refused

    /// The table with one cell of its first type changed.
    private func table(_ column: String, _ text: String) throws -> String {
        var row = rows[0]
        row[try #require(CatalogParser.columns.firstIndex(of: column))] = text
        return CatalogParser.columns.joined(separator: "\t") + "\n" + row.joined(separator: "\t") + "\n"
    }

    @Test(arguments: [
        ("key", "Invoice"), ("category", "Ä"), ("title", " x"), ("title", ""), ("subject_template", "{nobody}"),
        ("subject_template", "{invoice_total}"), ("subject_template", "{invoice_number"), ("kind", "mail"),
        ("audiences", "customer"), ("audiences", "customer,customer"), ("audiences", "everyone"),
        ("customer_setting", "on"), ("customer_setting", "-"), ("customer_setting", "subscribed"),
        ("customer_others_default", "-"), ("customer_others_default", "mandatory_all"),
        ("customer_scope", "assigned_rep"), ("customer_scope", "-"), ("internal_individual_setting", "enabled"),
        ("internal_individual_scope", "assigned_rep"), ("internal_team_setting", "mandatory_one"),
        ("channels", ""), ("channels", "fax"), ("channels", "email,email"), ("variables", "invoice_number"),
        ("variables", "invoice_number:words"), ("variables", "Invoice:id"), ("variables", "recipient_name:string"),
        ("variables", "invoice_number:string; invoice_number:string"), ("sensitive_variables", "invoice_total=high"),
        ("sensitive_variables", "nobody=pii"), ("sensitive_variables", "invoice_number=content"),
        ("deep_link_path_customer", "-"), ("deep_link_path_customer", "https://x"),
        ("deep_link_path_customer", "//x"), ("deep_link_path_customer", "/{amount_due}"), ("priority", "urgent"),
        ("quiet_hours", "yes"), ("digestible", "true"), ("commercial", "-"), ("exclude_actor", "y"),
        ("trigger_and_cancel", ""), ("dedupe_key", "other.key:{source_event_id}"), ("dedupe_key", "{window}"),
        ("source", ""),
    ])
    func wrongCellIsNamed(_ column: String, _ text: String) throws {
        let error = #expect(throws: CatalogError.self) { try CatalogParser.parse(try table(column, text)) }
        let problems = try #require(error).problems
        #expect(problems.allSatisfy { $0.row == 2 })
        // Some cells are wrong only together with another one; then either may be named.
        let partners = [
            "audiences": "internal_team_setting", "customer_setting": "customer_others_default",
            "variables": "sensitive_variables", "sensitive_variables": "subject_template",
        ]
        #expect(problems.contains { $0.column == column || $0.column == partners[column] }, "\(problems)")
    }

    @Test func shapeIsChecked() throws {
        #expect(throws: CatalogError.self) { try CatalogParser.parse("") }
        #expect(throws: CatalogError.self) { try CatalogParser.parse("key\tcategory\n") }
        let good = try table("title", "New invoice")
        #expect(try CatalogParser.parse(good).types.count == 1)
        let row = good.split(separator: "\n")[1]
        let twice = #expect(throws: CatalogError.self) { try CatalogParser.parse(good + row + "\n") }
        #expect(try #require(twice).description == "row 3, column key: is the same as in row 2")
        let short = #expect(throws: CatalogError.self) { try CatalogParser.parse(good + "a\tb\n") }
        #expect(try #require(short).description == "row 3: has 2 columns, must have 25")
    }

    @Test func secretsStayOutOfDigestsAndInboxes() throws {
        #expect(throws: CatalogError.self) {
            try CatalogParser.parse(try table("sensitive_variables", "amount_due=secret; invoice_total=financial"))
        }
        for type in Catalog.builtIn.types where type.variables.contains(where: { $0.sensitivity == .secret }) {
            #expect(!type.channels.contains(.inApp), "\(type.key)")
            #expect(!type.isDigestible, "\(type.key)")
        }
    }
}
