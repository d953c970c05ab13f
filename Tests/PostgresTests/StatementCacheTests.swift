import Testing

@testable import Postgres

@Suite struct StatementCacheTests {
    private func statement(_ number: Int) -> Statement { Statement("SELECT \(number)") }

    private func prepare(_ cache: inout StatementCache, _ statement: Statement, _ types: [UInt32] = []) throws -> String
    {
        guard case .prepare(let name, _) = cache.look(up: statement, types: types) else {
            throw PostgresError(.other, "it was prepared already")
        }
        cache.confirm(statement, name: name)
        return name
    }

    @Test func aStatementIsPreparedOnce() throws {
        var cache = StatementCache(capacity: 4)
        let name = try prepare(&cache, statement(1))
        #expect(cache.look(up: statement(1), types: []) == .prepared(name: name))
    }

    @Test func theLeastRecentlyUsedGoesFirst() throws {
        var cache = StatementCache(capacity: 2)
        let first = try prepare(&cache, statement(1))
        let second = try prepare(&cache, statement(2))
        _ = cache.look(up: statement(1), types: [])
        _ = try prepare(&cache, statement(3))
        #expect(cache.takeEvicted(9) == [second])
        #expect(cache.look(up: statement(1), types: []) == .prepared(name: first))
        #expect(cache.count == 2)
    }

    @Test func aBigCacheMakesRoomForMany() throws {
        var cache = StatementCache(capacity: 80)
        for number in 0..<81 { _ = try prepare(&cache, statement(number)) }
        #expect(cache.evictedCount == 10)
        #expect(cache.count == 71)
    }

    /// What is too much goes as others come, and what is used meanwhile stays.
    @Test func aSmallerOneKeepsWhatIsUsed() throws {
        var cache = StatementCache(capacity: 40)
        var names: [String] = []
        for number in 0..<40 { names.append(try prepare(&cache, statement(number))) }
        cache.capacity = 16
        #expect(cache.count == 40)
        // Four are used all the while. The new ones are not confirmed: those that are dropped among them need not be freed.
        for number in 40..<80 {
            for used in 0..<4 { #expect(cache.look(up: statement(used), types: []) == .prepared(name: names[used])) }
            _ = cache.look(up: statement(number), types: [])
        }
        #expect(cache.count <= 16)
        // They are freed a few at a time, and each once.
        let freed = cache.takeEvicted(4) + cache.takeEvicted(100)
        #expect(freed.count == Set(freed).count && Set(freed) == Set(names[4...]))
        #expect(cache.takeEvicted(9) == [])
    }

    @Test func nullFitsEveryType() throws {
        var cache = StatementCache(capacity: 4)
        let name = try prepare(&cache, statement(1), [WireType.text, WireType.int8])
        #expect(cache.look(up: statement(1), types: [WireType.text, 0]) == .prepared(name: name))
        #expect(cache.evictedCount == 0)
    }

    @Test func anotherTypePreparesAnewWithAllThatIsKnown() throws {
        var cache = StatementCache(capacity: 4)
        let name = try prepare(&cache, statement(1), [WireType.text, 0])
        let lookup = cache.look(up: statement(1), types: [0, WireType.int8])
        guard case .prepare(let newName, let types) = lookup else {
            Issue.record("the statement was not prepared anew")
            return
        }
        #expect(newName != name)
        #expect(types == [WireType.text, WireType.int8])
        #expect(cache.takeEvicted(9) == [name])
        cache.confirm(statement(1), name: newName)
        cache.forgetUnconfirmed()
        #expect(cache.look(up: statement(1), types: [WireType.text, WireType.int8]) == .prepared(name: newName))
    }

    @Test func whatWasNotConfirmedIsForgotten() throws {
        var cache = StatementCache(capacity: 4)
        let known = try prepare(&cache, statement(1))
        let pending = cache.look(up: statement(2), types: [])
        cache.forgetUnconfirmed()
        #expect(cache.look(up: statement(1), types: []) == .prepared(name: known))
        let again = cache.look(up: statement(2), types: [])
        #expect(again != pending)
        guard case .prepare = again else {
            Issue.record("an unprepared statement would be used")
            return
        }
        // The server never knew it.
        #expect(cache.takeEvicted(9) == [])
    }

    @Test func aLateConfirmationDoesNotHitItsSuccessor() throws {
        var cache = StatementCache(capacity: 4)
        guard case .prepare(let old, _) = cache.look(up: statement(1), types: []) else { return }
        cache.forget(statement(1))
        _ = cache.look(up: statement(1), types: [])
        #expect(cache.evictedCount == 0)
        cache.confirm(statement(1), name: old)
        cache.forgetUnconfirmed()
        #expect(cache.count == 0)
        #expect(cache.takeEvicted(9) == [old])
    }
}
