import CarillonAPI
import CarillonGRPC
import Domain
import Security
import Storage
import SwiftProtobuf
import Testing

@testable import Services

@Suite("Errors")
struct ErrorTests {
    @Test("carry reason, violations and a time to wait")
    func details() throws {
        let status = Status(
            .invalidArgument, .fieldInvalid, "wrong", metadata: ["a": "b"],
            violations: [RequestViolation("user.email", "is not an address", reason: "MALFORMED")],
            retryAfter: .milliseconds(1500))
        #expect(status.reason == "FIELD_INVALID")
        #expect(status.metadata == ["a": "b"])
        #expect(status.fields == ["user.email"])
        #expect(status.retryDelay == .milliseconds(1500))
        let packed = try Google_Rpc_Status(serializedBytes: status.details)
        #expect(packed.code == 3)
        #expect(packed.message == "wrong")
        #expect(packed.details.allSatisfy { $0.typeURL.hasPrefix("type.googleapis.com/google.rpc.") })
    }

    @Test(
        "of the store become one status each",
        arguments: [
            (StorageError.Code.unavailable, StatusCode.unavailable, true),
            (.deadlineExceeded, .deadlineExceeded, false),
            (.aborted, .aborted, true), (.revisionMismatch, .aborted, false), (.referenceMissing, .notFound, false),
            (.alreadyExists, .alreadyExists, false), (.monthMissing, .unavailable, true),
            (.permissionDenied, .unavailable, true), (.notReady, .unavailable, true), (.corrupt, .internalError, false),
            (.invalidValue, .invalidArgument, false), (.internalError, .internalError, false),
        ])
    func storage(code: StorageError.Code, status: StatusCode, isRetried: Bool) {
        let made = Status(StorageError(code, "relation \"t_secret.account\" of zoe@example.com"))
        #expect(made.code == status)
        #expect(made.reason != nil)
        #expect((made.retryDelay != nil) == isRetried)
        #expect(!made.message.contains("secret") && !made.message.contains("zoe"))
    }

    @Test("name what a write refers to")
    func missing() {
        let status = Status(
            StorageError(.referenceMissing, "x"), missing: .accountNotFound(AccountID(unchecked: "acme")))
        #expect(status.reason == "ACCOUNT_NOT_FOUND")
        #expect(status.metadata == ["account_id": "acme"])
    }

    @Test("reasons are stable words")
    func reasons() {
        for reason in ErrorReason.allCases {
            #expect(reason.rawValue.allSatisfy { $0.isUppercase || $0 == "_" }, "\(reason)")
        }
        #expect(Set(ErrorReason.allCases.map(\.rawValue)).count == ErrorReason.allCases.count)
    }
}

@Suite("Bearer tokens")
struct BearerTokenTests {
    private static func read(_ text: String) -> BearerToken? {
        Array(text.utf8).withUnsafeBytes { BearerToken(header: $0) }
    }

    @Test("are read with any spelling of the scheme, and nothing else")
    func reading() throws {
        let key = APIKeyText.make()
        for scheme in ["Bearer", "bearer", "BEARER"] {
            guard case .key = Self.read("\(scheme) \(key)") else {
                Issue.record("\(scheme) is not read")
                continue
            }
        }
        for text in [
            "", "Bearer", "Bearer ", key, "Basic \(key)", "Bearer  \(key)", "Bearer \(key) ", "Bearer \(key)x",
            "Bearer \(key.dropLast())", "Bearer a.b.c", "Bearer \(String(repeating: "a", count: 20_000))",
            "Bearer \u{0}\u{1}\u{2}", "Bearer[\(key)",
        ] { #expect(Self.read(text) == nil, "\(text.prefix(30))") }
    }
}

enum APIKeyText {
    static func make() -> String { APIKey.generate(.live, randomness: { 0x0123_4567_89ab_cdef }).text }
}
