internal import CarillonGRPC
internal import Foundation
internal import SwiftProtobuf

/// Descriptors of proto files, and where in them each name stands.
package struct DescriptorSet: Sendable {
    /// One proto file.
    struct File: Sendable {
        /// The path by which others import it.
        let name: String
        /// A serialized `google.protobuf.FileDescriptorProto`.
        let descriptor: Data
        /// The positions of the files that it imports.
        let imports: [Int]
    }

    let files: [File]
    private let index: DescriptorIndex

    /// Reads a `google.protobuf.FileDescriptorSet` in base64, as `protoc --include_imports` makes it; nil when it is none.
    package init?(base64: String) {
        guard let octets = Base64.decode(base64.utf8),
            let set = try? Google_Protobuf_FileDescriptorSet(serializedBytes: octets)
        else { return nil }
        self.init(set)
    }

    /// Takes over descriptors; nil when one of them cannot be serialized.
    init?(_ set: Google_Protobuf_FileDescriptorSet) {
        let positions = Dictionary(set.file.indices.map { (set.file[$0].name, $0) }) { first, _ in first }
        var files: [File] = []
        for file in set.file {
            guard let descriptor: Data = try? file.serializedBytes() else { return nil }
            let imports = file.dependency.compactMap { positions[$0] }
            files.append(File(name: file.name, descriptor: descriptor, imports: imports))
        }
        self.files = files
        index = DescriptorIndex(set)
    }

    /// The position of the file with this path.
    func file(named name: String) -> Int? { index.names[name] }

    /// The position of the file that declares a package's service, method, message, field, oneof, enum, enum value or
    /// extension, by its full name.
    func file(declaring symbol: String) -> Int? { index.symbols[symbol] }

    /// The position of the file that declares the extension of a message with this number.
    func file(extending message: String, with number: Int32) -> Int? { index.extensions[message]?[number] }

    /// The numbers of all extensions of a message, in order; nil when there is no such message.
    func extensionNumbers(of message: String) -> [Int32]? {
        guard index.messages.contains(message) else { return nil }
        return index.extensions[message].map { $0.keys.sorted() } ?? []
    }

    /// A file and all that it imports, directly and not, each once: first the file itself.
    func closure(of file: Int) -> [Int] {
        var order = [file]
        var seen: Set<Int> = [file]
        var next = 0
        while next < order.count {
            for imported in files[order[next]].imports where seen.insert(imported).inserted { order.append(imported) }
            next += 1
        }
        return order
    }
}
