internal import SwiftProtobuf

/// Where each name of a set of proto files stands: the positions of their files.
struct DescriptorIndex: Sendable {
    /// Files by their paths.
    private(set) var names: [String: Int] = [:]
    /// Files by the full names of what they declare.
    private(set) var symbols: [String: Int] = [:]
    /// The full names of all messages.
    private(set) var messages: Set<String> = []
    /// Files by the message that they extend and the number of the extension.
    private(set) var extensions: [String: [Int32: Int]] = [:]

    /// Reads all files. What stands first under a name counts.
    init(_ set: Google_Protobuf_FileDescriptorSet) {
        for (position, file) in set.file.enumerated() {
            if names[file.name] == nil { names[file.name] = position }
            add(file, at: position)
        }
    }

    private mutating func add(_ file: Google_Protobuf_FileDescriptorProto, at position: Int) {
        for message in file.messageType { add(message, in: file.package, at: position) }
        for type in file.enumType { add(type, in: file.package, at: position) }
        for field in file.extension { add(extension: field, in: file.package, at: position) }
        for service in file.service {
            let name = add(service.name, in: file.package, at: position)
            for method in service.method { add(method.name, in: name, at: position) }
        }
    }

    private mutating func add(_ message: Google_Protobuf_DescriptorProto, in scope: String, at position: Int) {
        let name = add(message.name, in: scope, at: position)
        messages.insert(name)
        for field in message.field { add(field.name, in: name, at: position) }
        for oneof in message.oneofDecl { add(oneof.name, in: name, at: position) }
        for nested in message.nestedType { add(nested, in: name, at: position) }
        for type in message.enumType { add(type, in: name, at: position) }
        for field in message.extension { add(extension: field, in: name, at: position) }
    }

    private mutating func add(_ type: Google_Protobuf_EnumDescriptorProto, in scope: String, at position: Int) {
        add(type.name, in: scope, at: position)
        // The values of an enum are names of the scope that the enum stands in, as in C++ (descriptor.proto).
        for value in type.value { add(value.name, in: scope, at: position) }
    }

    private mutating func add(
        extension field: Google_Protobuf_FieldDescriptorProto, in scope: String, at position: Int
    ) {
        add(field.name, in: scope, at: position)
        // protoc writes full names with a dot before them.
        let extended = field.extendee.hasPrefix(".") ? String(field.extendee.dropFirst()) : field.extendee
        if extensions[extended]?[field.number] == nil { extensions[extended, default: [:]][field.number] = position }
    }

    /// Notes a name, and returns it in full.
    @discardableResult
    private mutating func add(_ name: String, in scope: String, at position: Int) -> String {
        let full = scope.isEmpty ? name : "\(scope).\(name)"
        if symbols[full] == nil { symbols[full] = position }
        return full
    }
}
