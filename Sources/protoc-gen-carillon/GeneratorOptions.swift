/// What stands behind `--carillon_opt`, with the names and values that protoc-gen-swift uses.
struct GeneratorOptions {
    /// `Visibility`: who sees the declarations.
    enum Visibility: String {
        case `internal` = "Internal"
        case `package` = "Package"
        case `public` = "Public"

        /// The modifier before a declaration or an import, with its space. InternalImportsByDefault makes the bare word
        /// `import` enough for internal declarations.
        var modifier: String {
            switch self {
            case .internal: ""
            case .package: "package "
            case .public: "public "
            }
        }
    }

    /// `FileNaming`: what becomes of the folders in the .proto file's path.
    enum FileNaming: String {
        case fullPath = "FullPath"
        case pathToUnderscores = "PathToUnderscores"
        case dropPath = "DropPath"

        /// The path of the file made from the .proto file at `path`.
        func outputPath(of path: String) -> String {
            let stem = path.hasSuffix(".proto") ? String(path.dropLast(".proto".count)) : path
            let components = stem.split(separator: "/")
            let named =
                switch self {
                case .fullPath: stem
                case .pathToUnderscores: components.joined(separator: "_")
                case .dropPath: components.last.map(String.init) ?? stem
                }
            return named + ".carillon.swift"
        }
    }

    private(set) var visibility = Visibility.package
    private(set) var fileNaming = FileNaming.dropPath

    /// Reads the options in order; a later one wins.
    ///
    /// - Throws: `GeneratorError` for a name or value that is not known.
    init(_ pairs: [(key: String, value: String)]) throws {
        for (key, value) in pairs {
            switch key {
            case "Visibility":
                visibility = try Self.parse(value, of: key)
            case "FileNaming":
                fileNaming = try Self.parse(value, of: key)
            default:
                throw GeneratorError("unknown option '\(key)'; known are Visibility and FileNaming")
            }
        }
    }

    private static func parse<Value: RawRepresentable<String>>(_ text: String, of key: String) throws -> Value {
        guard let value = Value(rawValue: text) else {
            throw GeneratorError("option \(key) has no value '\(text)'")
        }
        return value
    }
}
