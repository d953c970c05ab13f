// protoc-gen-carillon is a plugin of protoc. For each .proto file that declares a service it writes one Swift file beside
// the messages that protoc-gen-swift makes of the same file: `inbox_service.proto` gives `inbox_service.carillon.swift`.
//
// Each service becomes three things, all in terms of the module CarillonGRPC:
//   * `InboxServiceHandler`, the protocol that a server implements, one method a call. A unary call has a second,
//     inline method that may answer at once, on the connection's loop and without a task; by default it declines.
//   * `rpcMethods` in an extension of that protocol: the handler's calls as rows for the server's method table.
//   * `InboxServiceClient`, a struct with one method a call, on top of an `RPCClient`.
//
// The files have one job each: GeneratorOptions reads what stands behind `--carillon_opt`, ServiceMethod knows names, path
// and kind of a call, HandlerWriter and ClientWriter print the halves, ServiceFile puts them together. What comes out depends
// on the descriptors and the options only, so that the committed files can be compared with freshly made ones.
//
// An option that is not known, and two methods that get the same Swift name, stop the run with a message through protoc;
// nothing is written then. The plugin never reads or writes a file itself.

package import SwiftProtobufPluginLibrary

/// The plugin as protoc sees it: one request on standard input, one answer on standard output.
@main
package struct CarillonGenerator: CodeGenerator {
    /// Made by the plugin library, once for each run.
    package init() {}

    /// proto3 `optional` fields concern the messages only, so they are no hindrance here.
    package var supportedFeatures: [Google_Protobuf_Compiler_CodeGeneratorResponse.Feature] { [.proto3Optional] }

    /// Adds one output for each file with a service.
    ///
    /// - Throws: `GeneratorError` for unknown options and clashing names.
    package func generate(
        files: [FileDescriptor],
        parameter: any CodeGeneratorParameter,
        protoCompilerContext: any ProtoCompilerContext,
        generatorOutputs: any GeneratorOutputs
    ) throws {
        let options = try GeneratorOptions(parameter.parsedPairs)
        for file in files where !file.services.isEmpty {
            let output = ServiceFile(file: file, options: options)
            try generatorOutputs.add(fileName: output.name, contents: output.contents())
        }
    }
}
