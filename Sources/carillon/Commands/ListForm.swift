internal import ArgumentParser
internal import CarillonAPI
internal import CarillonGRPC
internal import Foundation
internal import SwiftProtobuf

/// How a command gets and tells a list.
enum ListForm {
    /// All elements of a list, page after page.
    static func all<Element>(
        _ page: (_ token: String) async throws(Status) -> (elements: [Element], next: String)
    ) async throws(Status) -> [Element] {
        var all: [Element] = []
        var token = ""
        repeat {
            let (elements, next) = try await page(token)
            all += elements
            token = next
        } while !token.isEmpty
        return all
    }

    /// A line of JSON for each element, for programs.
    static func say(json elements: [some Message]) throws {
        var options = JSONEncodingOptions()
        options.preserveProtoFieldNames = true
        for element in elements { Console.say(try element.jsonString(options: options)) }
    }

    /// A point in time as it stands in a table; "-" for none.
    static func time(_ time: Google_Protobuf_Timestamp, isSet: Bool = true) -> String {
        isSet ? time.date.formatted(.iso8601) : "-"
    }
}

/// The scopes as they are named on the command line.
extension Carillon_V1_AccessScope: ExpressibleByArgument {
    /// Reads a word, such as `publish`.
    public init?(argument: String) {
        guard let scope = Self.allCases.first(where: { $0 != .unspecified && $0.argument == argument }) else {
            return nil
        }
        self = scope
    }

    /// The words.
    public static var allValueStrings: [String] { allCases.filter { $0 != .unspecified }.map(\.argument) }

    /// The scope's name without what all names begin with, in small letters.
    var argument: String { "\(self)".lowercased() }
}
