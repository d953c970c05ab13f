/// Field masks of updates (https://google.aip.dev/134).
enum UpdateMask {
    /// The fields that a mask names; all of them for an empty mask and for `*`.
    static func fields<Field: Hashable>(
        _ paths: [String], of known: [String: Field], _ check: inout FieldCheck, mask: String = "update_mask"
    ) -> Set<Field> {
        if paths.isEmpty || paths == ["*"] { return Set(known.values) }
        var fields: Set<Field> = []
        for path in paths {
            if let field = known[path] {
                fields.insert(field)
            } else {
                let names = known.keys.sorted().joined(separator: ", ")
                check.add(mask, "names a field that cannot be changed; these can: \(names)", reason: "UNKNOWN")
            }
        }
        return fields
    }
}
