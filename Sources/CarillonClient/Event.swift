internal import CarillonAPI
public import Foundation
internal import SwiftProtobuf

/// Something that happened in a portal.
public struct Event: Sendable {
    /// Key of the notification type, such as `invoice.created`.
    public var type: String
    /// The account it concerns; empty for types that no customer hears of.
    public var account: String
    /// What keeps a repeated publication from being a second event: 1 to 200 visible ASCII characters.
    public var idempotencyKey: String
    /// The values that the type declares, by name.
    public var context: [String: Value]
    /// Who caused it; empty for the portal itself.
    public var actor = ""
    /// Whom the event itself names, for types that are addressed to users.
    public var addressedUsers: [String] = []
    /// What it is about, such as `invoice/INV-1`.
    public var object = ""
    /// When people are told of it at the earliest, in their inboxes too; nil, or a time that is past, for at once. At most 366
    /// days ahead. Until then it can be called off (``CarillonClient/cancel(_:timeout:)``).
    public var deliverTime: Date?

    /// Describes an event.
    ///
    /// - Parameters:
    ///   - type: the key of its type.
    ///   - account: the account it concerns.
    ///   - id: its idempotency key, best the portal's own id of what happened.
    ///   - context: the values that the type declares.
    public init(_ type: String, account: String = "", id: String, context: [String: Value]) {
        self.type = type
        self.account = account
        idempotencyKey = id
        self.context = context
    }

    /// A value that the words of a notification are made with.
    public enum Value: Sendable, Hashable {
        /// A word, a line or a longer text, an id, an e-mail address, a telephone number.
        case text(String)
        /// A whole number.
        case integer(Int64)
        /// A decimal number in digits, such as `-12.50`.
        case decimal(String)
        /// An amount: minor units (cents, for euros) and three letters of ISO 4217.
        case money(minorUnits: Int64, currency: String)
        /// A calendar day.
        case date(year: Int, month: Int, day: Int)
        /// A moment, in microseconds since 1970-01-01T00:00:00Z.
        case moment(microseconds: Int64)
        /// An absolute address.
        case url(String)
        /// Yes or no.
        case boolean(Bool)
        /// Texts in order.
        case texts([String])
    }

    var request: Carillon_V1_PublishRequest {
        var request = Carillon_V1_PublishRequest()
        request.notificationType = type
        request.accountID = account
        request.idempotencyKey = idempotencyKey
        request.actorUserID = actor
        request.addressedUserIds = addressedUsers
        request.object = object
        if let deliverTime { request.deliverTime = Google_Protobuf_Timestamp(date: deliverTime) }
        // By name, so that a repeat is the same request octet for octet.
        request.context = context.sorted { $0.key < $1.key }.map { name, value in
            var field = Carillon_V1_ContextValue()
            field.name = name
            field.value = value.message
            return field
        }
        return request
    }
}

extension Event.Value {
    fileprivate var message: Carillon_V1_ContextValue.OneOf_Value {
        switch self {
        case .text(let text): return .text(text)
        case .integer(let number): return .integer(number)
        case .decimal(let digits): return .decimal(digits)
        case .money(let minorUnits, let currency):
            var money = Carillon_V1_Money()
            money.minorUnits = minorUnits
            money.currencyCode = currency
            return .money(money)
        case .date(let year, let month, let day):
            var date = Carillon_V1_Date()
            date.year = Int32(clamping: year)
            date.month = Int32(clamping: month)
            date.day = Int32(clamping: day)
            return .date(date)
        case .moment(let microseconds):
            var moment = Google_Protobuf_Timestamp()
            let (seconds, rest) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
            // The fraction of a Timestamp counts forward, also before 1970.
            moment.seconds = rest < 0 ? seconds - 1 : seconds
            moment.nanos = Int32((rest < 0 ? rest + 1_000_000 : rest) * 1000)
            return .dateTime(moment)
        case .url(let address): return .url(address)
        case .boolean(let isTrue): return .boolean(isTrue)
        case .texts(let values):
            var list = Carillon_V1_TextList()
            list.values = values
            return .textList(list)
        }
    }
}
