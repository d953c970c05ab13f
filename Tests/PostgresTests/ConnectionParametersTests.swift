import Testing

@testable import Postgres

@Suite struct ConnectionParametersTests {
    private func parse(_ text: String) throws -> ConnectionParameters {
        try ConnectionParameters(text, applicationName: "carillon")
    }

    @Test func whatIsLeftOpenIsFilledIn() throws {
        let options = try parse("host=/tmp dbname=x").options
        #expect(options["tcp_user_timeout"] == "5000")
        #expect(options["target_session_attrs"] == "read-write")
        #expect(options["application_name"] == "carillon")
        #expect(options["client_encoding"] == "UTF8")
        #expect(options["dbname"] == "x")
    }

    @Test func whatIsGivenStays() throws {
        let text = "postgresql://u:p@h/d?tcp_user_timeout=9&target_session_attrs=any&application_name=mine"
        let parsed = try parse(text + "&client_encoding=LATIN1")
        #expect(parsed.options["tcp_user_timeout"] == "9")
        #expect(parsed.options["target_session_attrs"] == "any")
        #expect(parsed.options["application_name"] == "mine")
        #expect(parsed.options["password"] == "p")
        // Text crosses in UTF-8, whatever is asked for.
        #expect(parsed.options["client_encoding"] == "UTF8")
    }

    @Test func hostsAreListsInParallel() throws {
        let hosts = try parse("host=a,b hostaddr=,192.0.2.7 port=1,2").hosts
        #expect(
            hosts == [.init(name: "a", address: nil, port: "1"), .init(name: "b", address: "192.0.2.7", port: "2")])
        #expect(hosts.map(\.needsResolution) == [true, false])
        #expect(try parse("host=a,b port=7").hosts.map(\.port) == ["7", "7"])
        #expect(try parse("dbname=x").hosts == [])
        #expect(try parse("port=7").hosts == [.init(name: "", address: nil, port: "7")])
    }

    @Test(arguments: ["/tmp", "@abstract", "192.0.2.1", "::1"])
    func onlyNamesAreLookedUp(host: String) throws {
        #expect(try parse("host=\(host)").hosts.map(\.needsResolution) == [false])
    }

    @Test func anAddressKeepsItsNameForTheCertificate() throws {
        let parsed = try parse("host=a,/tmp port=1,2 dbname=x")
        func pairs(_ host: ConnectionParameters.Host) -> [String: String] {
            Dictionary(uniqueKeysWithValues: parsed.keywordsAndValues(for: host).map { ($0.keyword, $0.value) })
        }
        let resolved = pairs(.init(name: "a", address: "192.0.2.1", port: "1"))
        #expect(["host", "hostaddr", "port", "dbname"].map { resolved[$0] } == ["a", "192.0.2.1", "1", "x"])
        #expect(["host", "hostaddr", "port"].map { pairs(parsed.hosts[1])[$0] } == ["/tmp", nil, "2"])
        // Nothing at all: libpq's own default.
        #expect(["host", "hostaddr", "port"].map { pairs(.init(name: ""))[$0] } == [nil, nil, nil])
    }

    @Test(arguments: [("5", Duration.seconds(5)), ("0", nil), ("-1", nil)])
    func theTimeOfOneServerCanBeSet(text: String, limit: Duration?) throws {
        let parsed = try parse("host=a connect_timeout=\(text)")
        #expect(parsed.connectTimeout == limit)
        #expect(parsed.options["connect_timeout"] == nil)
        #expect(try parse("host=a").connectTimeout == nil)
    }

    @Test func aNameHasItsAddresses() {
        guard case .addresses(let addresses) = HostResolution.look(up: "localhost") else {
            Issue.record("localhost has no address")
            return
        }
        #expect(addresses.contains("127.0.0.1") || addresses.contains("::1"))
        guard case .addresses = HostResolution.look(up: "no name at all") else { return }
        Issue.record("what is no name has an address")
    }

    @Test(arguments: ["password=geheim nonsense", "host=a,b port=1,2,3 password=geheim", "hostaddr=1,2 host=geheim"])
    func aWrongStringIsRefusedWithoutQuotingIt(text: String) throws {
        let error = try #require(throws: PostgresError.self) { try parse(text) }
        #expect(!String(reflecting: error).contains("geheim"))
    }

    @Test func pausesDoubleWithFullJitter() {
        var backoff = Backoff(.milliseconds(100)...(.seconds(1)))
        #expect(
            (0..<6).map { _ in backoff.next(0.5) }
                == [50, 100, 200, 400, 500, 500].map { Duration.milliseconds($0) })
        backoff.reset()
        #expect(backoff.next(0.25) == .milliseconds(25))
        for _ in 0..<100 { _ = backoff.next(0) }
        #expect(backoff.next(0.5) == .milliseconds(500))
    }
}
