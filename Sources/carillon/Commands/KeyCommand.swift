internal import ArgumentParser
internal import CarillonAPI
internal import CarillonGRPC
internal import Foundation
internal import SwiftProtobuf

/// Commands about the API keys of tenants.
struct KeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Make, list and revoke the API keys of tenants.",
        discussion: """
            To rotate a key, make another, let the programs change to it, and revoke the old one. A revoked key is refused \
            everywhere within 60 seconds.
            """,
        subcommands: [KeyCreateCommand.self, KeyListCommand.self, KeyRevokeCommand.self])
}

/// Makes a key through the API.
struct KeyCreateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make a further API key for a tenant and print it.",
        discussion: "The key is the only thing that goes to the standard output, and it is shown this once.")

    @Argument(help: ArgumentHelp("The tenant.", valueName: "tenant")) var tenant: String
    @Option(help: ArgumentHelp("What to call the key, such as \"portal backend\".", valueName: "name"))
    var displayName: String
    @Option(
        name: .customLong("scope"),
        help: ArgumentHelp("What it may do; may be repeated. Default: tenant.", valueName: "scope"))
    var scopes: [Carillon_V1_AccessScope] = []
    @Option(help: ArgumentHelp("After how many days it is refused; default: never.", valueName: "days"))
    var expiresAfter: Int?
    @OptionGroup var flags: OperatorFlags

    func validate() throws {
        if let expiresAfter, !(1...36_500).contains(expiresAfter) {
            throw ValidationError("--expires-after is a number of days from 1 to 36500")
        }
    }

    func run() async throws {
        var request = Carillon_V1_CreateApiKeyRequest()
        request.tenantID = tenant
        request.displayName = displayName
        request.scopes = scopes
        if let expiresAfter {
            request.expireTime = .init(date: Date(timeIntervalSinceNow: Double(expiresAfter) * 86_400))
        }
        let response = try await flags.call { [request] client, options throws(Status) in
            try await client.createApiKey(request, options: options)
        }
        Console.note("the key \(response.apiKey.keyID) of \(tenant) is shown this once:")
        Console.say(response.secret)
    }
}

/// Lists keys through the API.
struct KeyListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the API keys of a tenant, without their secrets.")

    @Argument(help: ArgumentHelp("The tenant.", valueName: "tenant")) var tenant: String
    @Flag(help: "Print a line of JSON for each key.") var json = false
    @OptionGroup var flags: OperatorFlags

    func run() async throws {
        let tenant = tenant
        let keys = try await flags.call { client, options throws(Status) in
            try await ListForm.all { token throws(Status) in
                var request = Carillon_V1_ListApiKeysRequest()
                request.tenantID = tenant
                request.pageToken = token
                let page = try await client.listApiKeys(request, options: options)
                return (page.apiKeys, page.nextPageToken)
            }
        }
        if json { return try ListForm.say(json: keys) }
        var table = TextTable("KEY", "ENDS WITH", "NAME", "SCOPES", "MADE", "LAST USED", "STATE")
        for key in keys {
            table.add([
                key.keyID, "…\(key.lastFour)", key.displayName, key.scopes.map(\.argument).joined(separator: " "),
                ListForm.time(key.createTime), ListForm.time(key.lastUsedTime, isSet: key.hasLastUsedTime),
                Self.state(of: key),
            ])
        }
        Console.say(table.text)
    }

    private static func state(of key: Carillon_V1_ApiKey) -> String {
        if key.hasRevokeTime { return "revoked \(ListForm.time(key.revokeTime))" }
        guard key.hasExpireTime else { return "in force" }
        let hasEnded = key.expireTime.date <= Date()
        return "\(hasEnded ? "expired" : "until") \(ListForm.time(key.expireTime))"
    }
}

/// Revokes a key through the API.
struct KeyRevokeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "End an API key of a tenant, for good.")

    @Argument(help: ArgumentHelp("The tenant.", valueName: "tenant")) var tenant: String
    @Argument(help: ArgumentHelp("The key's id, as 'carillon key list' tells it.", valueName: "key")) var key: String
    @OptionGroup var flags: OperatorFlags

    func run() async throws {
        var request = Carillon_V1_RevokeApiKeyRequest()
        request.tenantID = tenant
        request.keyID = key
        _ = try await flags.call { [request] client, options throws(Status) in
            try await client.revokeApiKey(request, options: options)
        }
        Console.note("the key \(key) is revoked; every process refuses it within 60 seconds")
    }
}
