/// Reads a catalog table: a header, then one line for each type, columns parted by tabs, `-` for "does not apply".
///
/// Everything is checked, and everything that is wrong is said at once.
package enum CatalogParser {
    /// The columns, in order; the header line must name exactly these.
    package static let columns = [
        "key", "category", "title", "subject_template", "kind", "audiences", "customer_setting",
        "customer_others_default", "customer_scope", "internal_individual_setting", "internal_individual_scope",
        "internal_team_setting", "channels", "variables", "sensitive_variables", "deep_link_path_customer",
        "deep_link_path_internal", "priority", "quiet_hours", "digestible", "commercial", "exclude_actor",
        "trigger_and_cancel", "dedupe_key", "source",
    ]

    /// Names that dedupe keys may hold besides variables: they are known to Carillon, not to the producer.
    package static let dedupeNames: Set<String> = ["source_event_id", "recipient_id", "window_start", "step"]

    /// The catalog that `text` describes.
    ///
    /// - Throws: every wrong cell, by row and column.
    package static func parse(_ text: String) throws(CatalogError) -> Catalog {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        while lines.last?.isEmpty == true { lines.removeLast() }
        guard let header = lines.first, header.split(separator: "\t").map(String.init) == columns else {
            throw CatalogError(problems: [
                .init(row: 1, column: "", problem: "the header must be: " + columns.joined(separator: " "))
            ])
        }
        var problems: [CatalogError.Problem] = []
        var types: [NotificationType] = []
        var rows: [TypeKey: Int] = [:]
        for (index, line) in lines.enumerated().dropFirst() {
            var row = CatalogRow(number: index + 1, line: line)
            if let type = row.type() {
                if let earlier = rows.updateValue(row.number, forKey: type.key) {
                    row.note("key", "is the same as in row \(earlier)")
                }
                types.append(type)
            }
            problems += row.problems
        }
        guard problems.isEmpty else { throw CatalogError(problems: problems) }
        return Catalog(types)
    }
}
