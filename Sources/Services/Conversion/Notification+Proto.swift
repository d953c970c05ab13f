internal import CarillonAPI
internal import Domain
internal import Storage
internal import SwiftProtobuf

extension Carillon_V1_Notification {
    /// - Parameter isWhole: whether attempts and traces are wanted; lists leave them out.
    init(_ record: NotificationRecord, isWhole: Bool) {
        self.init()
        notificationID = record.id.description
        eventID = record.event.description
        notificationType = record.type.rawValue
        accountID = record.account?.rawValue ?? ""
        switch record.recipient {
        case .user(let id): userID = id.rawValue
        case .mailbox(let account):
            billingMailbox = account != nil
            teamMailbox = account == nil
        case .nobody: break
        }
        audience = Carillon_V1_Audience(record.audience)
        object = record.object ?? ""
        state = Carillon_V1_DeliveryState(record.state)
        createTime = Google_Protobuf_Timestamp(Instant(milliseconds: Int64(record.id.value.milliseconds)))
        deliveries = record.deliveries.map { delivery in
            var sent = Carillon_V1_Delivery(delivery)
            guard isWhole else { return sent }
            sent.attempts = delivery.attempts.map { Carillon_V1_Attempt($0) }
            sent.trace = TraceSteps.of(record.trace, reason: delivery.reason, on: delivery.channel)
            return sent
        }
    }
}

extension Carillon_V1_Delivery {
    fileprivate init(_ record: DeliveryRecord) {
        self.init()
        channel = Carillon_V1_Channel(record.channel)
        decision = Carillon_V1_ChannelDecision(record)
        state = Carillon_V1_DeliveryState(record)
        stateReason = record.stateReason ?? ""
        maskedAddress = record.maskedAddress ?? ""
        messageID = record.messageID ?? ""
        if state == .retrying, let progress = record.progress {
            nextAttemptTime = Google_Protobuf_Timestamp(progress.dueAt)
        }
        updateTime = Google_Protobuf_Timestamp(record.updatedAt)
    }
}

extension Carillon_V1_Attempt {
    fileprivate init(_ record: AttemptRecord) {
        self.init()
        number = record.number
        providerID = record.attempt.provider?.rawValue ?? ""
        startTime = Google_Protobuf_Timestamp(record.attempt.startedAt)
        endTime = Google_Protobuf_Timestamp(record.attempt.finishedAt)
        outcome = Carillon_V1_AttemptOutcome(record.attempt.outcome)
        providerCode = record.attempt.code ?? ""
        detail = record.attempt.detail ?? ""
    }
}

extension Carillon_V1_DeliveryState {
    init(_ state: DeliveryState) {
        self =
            switch state {
            case .pending: .pending
            case .deferred: .deferred
            case .digesting: .digesting
            case .delivered: .delivered
            case .failed: .failed
            case .suppressed: .suppressed
            case .expired: .expired
            case .cancelled: .cancelled
            case .outcomeUnknown: .outcomeUnknown
            }
    }

    /// The state of a delivery: what the queue says of it is finer than what is stored.
    fileprivate init(_ record: DeliveryRecord) {
        guard record.state == .pending, let progress = record.progress else {
            self.init(record.state)
            return
        }
        if progress.isClaimed {
            self = .sending
        } else if progress.attempts > 0 {
            self = .retrying
        } else {
            self = .pending
        }
    }
}
