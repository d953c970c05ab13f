internal import CarillonAPI
internal import CarillonGRPC
internal import CarillonNet
internal import Domain

// Checks, one by one and many at once.

extension PreferenceServer {
    // MARK: One

    /// Answers from memory: no task, no database. What is not known, or too old, is left to the asynchronous method, and so
    /// is everything that is wrong with the request.
    func checkPreferenceInline(
        _ request: Carillon_V1_CheckPreferenceRequest, _ context: CallContext
    ) throws -> Carillon_V1_CheckPreferenceResponse? {
        guard let check = PreferenceCheck.fromMemory(request) else { return nil }
        // Of a million users hardly any is in the processor's caches: this one is fetched while the caller is looked at.
        let key = KnownUserTable.Key(check.user)
        guard let caller = try core.knownCaller(context, expecting: key) else { return nil }
        let scope = try caller.requireAccess(to: check.user)
        guard let subject = scope.facts.users.known(check.user, by: key, .current) else {
            if scope.facts.users.isKnownAbsent(check.user) { throw Status.userNotFound(check.user) }
            return nil
        }
        let answer = try check.answer(subject, now: core.now)
        let answers = core[context].checkAnswers
        guard let prepared = answers.prepared(answer) else {
            answers.count(answer)
            return answer.message
        }
        prepared.count()
        // What is returned for a call that is answered is passed over.
        return try context.reply(prepared.message.frame)
            ? Carillon_V1_CheckPreferenceResponse() : prepared.message.message
    }

    func checkPreference(
        _ request: Carillon_V1_CheckPreferenceRequest, _ context: CallContext
    ) async throws -> Carillon_V1_CheckPreferenceResponse {
        let caller = try await core.caller(context)
        let check = try PreferenceCheck(checking: request)
        let scope = try caller.requireAccess(to: check.user)
        guard let subject = try await scope.facts.users.subject(check.user, .current) else {
            throw Status.userNotFound(check.user)
        }
        let answer = try check.answer(subject, now: core.now)
        core[context].checkAnswers.count(answer)
        return answer.message
    }

    // MARK: A batch

    /// The most checks of a batch.
    private static let batchLimit = 1_000
    /// After as many checks the loop's other work has its turn.
    private static let turn = 64

    /// Answers small batches from memory.
    func batchCheckPreferencesInline(
        _ request: Carillon_V1_BatchCheckPreferencesRequest, _ context: CallContext
    ) throws -> Carillon_V1_BatchCheckPreferencesResponse? {
        guard (1...Self.turn).contains(request.checks.count), let caller = try core.knownCaller(context) else {
            return nil
        }
        let scope = try caller.requireTenant()
        let (now, state) = (core.now, core[context])
        // Counted when all are known: the others are left to the asynchronous method, which counts them.
        var given: [CheckAnswer] = []
        given.reserveCapacity(request.checks.count)
        var response = Carillon_V1_BatchCheckPreferencesResponse()
        response.results.reserveCapacity(request.checks.count)
        for sent in request.checks {
            guard let check = PreferenceCheck.fromMemory(sent),
                let subject = scope.facts.users.known(check.user, .current)
            else {
                return nil
            }
            response.results.append(
                Carillon_V1_CheckResult { () throws(Status) in
                    let answer = try check.answer(subject, now: now)
                    given.append(answer)
                    return state.checkAnswers.message(answer)
                })
        }
        for answer in given { state.checkAnswers.count(answer) }
        scope.chargeItems(request.checks.count - 1, at: context.loop.now)
        return response
    }

    func batchCheckPreferences(
        _ request: Carillon_V1_BatchCheckPreferencesRequest, _ context: CallContext
    ) async throws -> Carillon_V1_BatchCheckPreferencesResponse {
        let (scope, _) = try await core.tenant(context)
        var fields = FieldCheck()
        if request.checks.isEmpty { fields.add("checks", "is required", reason: "REQUIRED") }
        if request.checks.count > Self.batchLimit {
            fields.add(
                "checks", "has \(request.checks.count) checks; at most \(Self.batchLimit) are taken", reason: "TOO_MANY"
            )
        }
        try fields.check()
        scope.chargeItems(request.checks.count - 1, at: context.loop.now)
        let users = Set(request.checks.compactMap { PreferenceCheck($0)?.user })
        let subjects = try await scope.facts.users.subjects(users)
        let state = core[context]
        var response = Carillon_V1_BatchCheckPreferencesResponse()
        response.results.reserveCapacity(request.checks.count)
        for (number, sent) in request.checks.enumerated() {
            if number > 0, number.isMultiple(of: Self.turn) { await Task.yield() }
            response.results.append(
                Carillon_V1_CheckResult { () throws(Status) in
                    let check = try PreferenceCheck(checking: sent)
                    guard let subject = try subjects[check.user]?.get() else { throw .userNotFound(check.user) }
                    let answer = try check.answer(subject, now: core.now)
                    state.checkAnswers.count(answer)
                    return state.checkAnswers.message(answer)
                })
        }
        return response
    }

    // MARK: A stream

    /// Checks of a stream that may wait for the database at once.
    private static let waitingChecks = 256

    func streamPreferenceChecks(
        _ requests: RequestReader<Carillon_V1_StreamPreferenceChecksRequest>,
        _ responses: ResponseWriter<Carillon_V1_StreamPreferenceChecksResponse>, _ context: CallContext
    ) async throws {
        try await core.withStream(context) {
            responses.sendHeaders()
            let loop = context.loop
            try await withThrowingTaskGroup(of: Void.self) { waiting in
                var count = 0
                for try await request in requests {
                    // The credential may have run out, or the tenant been suspended, since the last one.
                    let (scope, _) = try await core.goingOn(context)
                    var response = Carillon_V1_StreamPreferenceChecksResponse()
                    response.number = request.number
                    if let known = known(request.check, scope, context) {
                        response.result = known
                        try await responses.send(response)
                        continue
                    }
                    // What is not known holds up none of those that come behind it, and is asked for together with theirs.
                    if count == Self.waitingChecks {
                        try await waiting.next()
                    } else {
                        count += 1
                    }
                    waiting.addTask(executorPreference: loop) {
                        response.result = await read(request.check, scope, context)
                        try await responses.send(response)
                    }
                }
                try await waiting.waitForAll()
            }
        }
    }

    /// What comes of a check of a stream by what is known; nil for what has to be read.
    private func known(
        _ request: Carillon_V1_CheckPreferenceRequest, _ scope: TenantScope, _ context: CallContext
    ) -> Carillon_V1_CheckResult? {
        var isUnknown = false
        let result = Carillon_V1_CheckResult { () throws(Status) in
            try scope.admitCheck(at: context.loop.now)
            let check = try PreferenceCheck(checking: request)
            guard let subject = scope.facts.users.known(check.user, .current) else {
                if scope.facts.users.isKnownAbsent(check.user) { throw .userNotFound(check.user) }
                isUnknown = true
                return Carillon_V1_CheckPreferenceResponse()
            }
            let answer = try check.answer(subject, now: core.now)
            core[context].checkAnswers.count(answer)
            return core[context].checkAnswers.message(answer)
        }
        return isUnknown ? nil : result
    }

    private func read(
        _ request: Carillon_V1_CheckPreferenceRequest, _ scope: TenantScope, _ context: CallContext
    ) async -> Carillon_V1_CheckResult {
        var result = Carillon_V1_CheckResult()
        do throws(Status) {
            let check = try PreferenceCheck(checking: request)
            guard let subject = try await scope.facts.users.subject(check.user, .current) else {
                throw .userNotFound(check.user)
            }
            let answer = try check.answer(subject, now: core.now)
            core[context].checkAnswers.count(answer)
            result.response = answer.message
        } catch {
            result.error = Carillon_V1_ItemError(error)
        }
        return result
    }
}
