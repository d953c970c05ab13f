import SwiftProtobuf

/// The descriptor that protoc would make of a file with one service and a call of each kind:
///
/// ```proto
/// package tower.v1;
/// // Rings bells.
/// service BellService {
///   // Rings once.
///   rpc Ring(RingRequest) returns (RingResponse);
///   // Tells of each stroke,
///   // as it comes.
///   rpc Listen(RingRequest) returns (stream RingResponse);
///   rpc Repeat(stream RingRequest) returns (RingResponse);
///   rpc Peal(stream RingRequest) returns (stream RingResponse);
/// }
/// ```
enum BellDescriptor {
    /// The file; `rename` gives a method another name.
    static func file(rename: [String: String] = [:]) -> Google_Protobuf_FileDescriptorProto {
        .with { file in
            file.name = "tower/v1/bell_service.proto"
            file.package = "tower.v1"
            file.syntax = "proto3"
            file.messageType = [.with { $0.name = "RingRequest" }, .with { $0.name = "RingResponse" }]
            file.service = [
                .with { service in
                    service.name = "BellService"
                    service.method = [
                        method("Ring", clientStreaming: false, serverStreaming: false),
                        method("Listen", clientStreaming: false, serverStreaming: true),
                        method("Repeat", clientStreaming: true, serverStreaming: false),
                        method("Peal", clientStreaming: true, serverStreaming: true),
                    ]
                    for index in service.method.indices {
                        service.method[index].name = rename[service.method[index].name] ?? service.method[index].name
                    }
                }
            ]
            // 6 is FileDescriptorProto.service, 2 ServiceDescriptorProto.method.
            file.sourceCodeInfo.location = [
                comment(" Rings bells.\n", at: [6, 0]),
                comment(" Rings once.\n", at: [6, 0, 2, 0]),
                comment(" Tells of each stroke,\n as it comes.\n", at: [6, 0, 2, 1]),
            ]
        }
    }

    private static func method(
        _ name: String, clientStreaming: Bool, serverStreaming: Bool
    ) -> Google_Protobuf_MethodDescriptorProto {
        .with { method in
            method.name = name
            method.inputType = ".tower.v1.RingRequest"
            method.outputType = ".tower.v1.RingResponse"
            method.clientStreaming = clientStreaming
            method.serverStreaming = serverStreaming
        }
    }

    private static func comment(_ text: String, at path: [Int32]) -> Google_Protobuf_SourceCodeInfo.Location {
        .with { location in
            location.path = path
            location.span = [0, 0, 0]
            location.leadingComments = text
        }
    }
}
