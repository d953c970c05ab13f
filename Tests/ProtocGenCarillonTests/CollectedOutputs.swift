import SwiftProtobufPluginLibrary

/// Keeps what a generator gives out, in the order it was given.
final class CollectedOutputs: GeneratorOutputs {
    private(set) var files: [(name: String, contents: String)] = []

    func add(fileName: String, contents: String) throws {
        files.append((fileName, contents))
    }
}

/// What stands behind `--carillon_opt`.
struct Parameter: CodeGeneratorParameter {
    let parameter: String

    var parsedPairs: [(key: String, value: String)] {
        parameter.split(separator: ",").map { pair in
            let halves = pair.split(separator: "=", maxSplits: 1).map(String.init)
            return (halves[0], halves.count > 1 ? halves[1] : "")
        }
    }
}

/// The compiler that would have called the plugin.
struct Compiler: ProtoCompilerContext {
    let version: Google_Protobuf_Compiler_Version? = nil
}
