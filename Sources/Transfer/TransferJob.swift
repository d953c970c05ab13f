internal import CarillonNet

/// One call of ``TransferClient``, from admission to its answer. Confined to the client's loop.
class TransferJob: Identifiable {
    let id: UInt64
    let destination: TransferClient.Destination
    let total: Duration
    unowned let client: TransferClient
    var deadline: LoopTimer?

    init(id: UInt64, destination: TransferClient.Destination, total: Duration, client: TransferClient) {
        self.id = id
        self.destination = destination
        self.total = total
        self.client = client
    }

    /// Starts the work; called once, when a place is free.
    func begin() { preconditionFailure("a job begins in its subclass") }
    /// Gives the work up after `begin`, or before it when the client closes.
    func abandon(_ code: TransferError.Code) { preconditionFailure("a job is abandoned in its subclass") }
    /// Answers a job that never began.
    func settle(_ error: TransferError) { preconditionFailure("a job is settled in its subclass") }
}

/// A mail on its way: on an idle session if there is one, else on a new one.
final class MailJob: TransferJob {
    private let transfer: MailTransfer
    private var resume: ((Result<MailReceipt, TransferError>) -> Void)?
    private var session: MailConnection?
    private var mayTryAgain = true

    init(
        id: UInt64, transfer: MailTransfer, client: TransferClient,
        _ resume: @escaping (Result<MailReceipt, TransferError>) -> Void
    ) {
        self.transfer = transfer
        self.resume = resume
        super.init(id: id, destination: .mail(transfer.route), total: transfer.timeouts.total, client: client)
    }

    override func begin() {
        if mayTryAgain, let session = client.takeIdleSession(for: transfer.route) {
            self.session = session
            return send(on: session)
        }
        let session = client.makeSession(for: transfer.route)
        self.session = session
        session.open(timeout: transfer.timeouts.connect) { [self] error in
            if let error { finish(.failure(error)) } else { send(on: session) }
        }
    }

    override func abandon(_ code: TransferError.Code) {
        guard let session else { return settle(TransferError(code, phase: .queued)) }
        session.abandon(code)
    }

    override func settle(_ error: TransferError) {
        answer(.failure(error))
    }

    private func send(on session: MailConnection) {
        session.send(transfer) { [self] outcome in
            switch outcome {
            case .accepted(let receipt): finish(.success(receipt))
            case .failed(_, isUntouched: true) where mayTryAgain:
                // The relay had closed a session that looked idle: nothing was begun, so a new one may begin it.
                mayTryAgain = false
                begin()
            case .failed(let error, _): finish(.failure(error))
            }
        }
    }

    private func finish(_ result: Result<MailReceipt, TransferError>) {
        if let session, session.isIdle { client.keep(session) }
        session = nil
        answer(result)
        client.ended(self)
    }

    private func answer(_ result: Result<MailReceipt, TransferError>) {
        deadline?.cancel()
        resume?(result)
        resume = nil
    }
}

/// An HTTP request on its way.
final class HTTPJob: TransferJob {
    private let transfer: HTTPTransfer
    private let url: ParsedURL
    private var resume: ((Result<HTTPReply, TransferError>) -> Void)?
    private var exchange: HTTPExchange?

    init(
        id: UInt64, transfer: HTTPTransfer, url: ParsedURL, client: TransferClient,
        _ resume: @escaping (Result<HTTPReply, TransferError>) -> Void
    ) {
        self.transfer = transfer
        self.url = url
        self.resume = resume
        super.init(id: id, destination: .http(origin: url.origin), total: transfer.timeouts.total, client: client)
    }

    override func begin() {
        let exchange = HTTPExchange(transfer, url: url, loop: client.loop, multi: client.httpMulti)
        self.exchange = exchange
        exchange.begin { [self] result in
            self.exchange = nil
            answer(result)
            client.ended(self)
        }
    }

    override func abandon(_ code: TransferError.Code) {
        guard let exchange else { return settle(TransferError(code, phase: .queued)) }
        exchange.abandon(code)
    }

    override func settle(_ error: TransferError) {
        answer(.failure(error))
    }

    private func answer(_ result: Result<HTTPReply, TransferError>) {
        deadline?.cancel()
        resume?(result)
        resume = nil
    }
}
