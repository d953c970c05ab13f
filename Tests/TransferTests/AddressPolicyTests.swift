import Testing

@testable import Transfer

@Suite("The address policy")
struct AddressPolicyTests {
    private func v4(_ text: String) -> [UInt8] { text.split(separator: ".").map { UInt8($0)! } }

    private func v6(_ groups: String) -> [UInt8] {
        let sides = groups.split(separator: "::", omittingEmptySubsequences: false).map { side in
            side.split(separator: ":").flatMap { group in
                let value = UInt16(group, radix: 16)!
                return [UInt8(value >> 8), UInt8(value & 0xFF)]
            }
        }
        guard sides.count == 2 else { return sides[0] }
        return sides[0] + [UInt8](repeating: 0, count: 16 - sides[0].count - sides[1].count) + sides[1]
    }

    @Test(
        "forbids what is not the public internet",
        arguments: [
            "0.0.0.0", "10.1.2.3", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.255", "169.254.169.254",
            "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1",
            "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
        ])
    func specialV4(text: String) {
        #expect(!AddressPolicy.publicInternet.allows(v4(text)))
        #expect(!AddressPolicy.publicInternet.allows([UInt8](repeating: 0, count: 10) + [0xFF, 0xFF] + v4(text)))
        #expect(AddressPolicy.any.allows(v4(text)))
    }

    @Test(
        "allows the public internet",
        arguments: [
            "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
            "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.169.0.0", "198.17.255.255", "198.20.0.0",
            "223.255.255.255",
        ])
    func publicV4(text: String) {
        #expect(AddressPolicy.publicInternet.allows(v4(text)))
        #expect(AddressPolicy.publicInternet.allows([UInt8](repeating: 0, count: 10) + [0xFF, 0xFF] + v4(text)))
    }

    @Test(
        "forbids special IPv6 addresses",
        arguments: [
            "::", "::1", "::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1", "100::1", "2001::1", "2001:1ff::1",
            "2001:db8::1",
            "2002:a00:1::", "3fff::1", "3fff:fff::1", "5f00::1", "fc00::1", "fdff::1", "fe80::1", "ff02::1",
        ])
    func specialV6(text: String) {
        #expect(!AddressPolicy.publicInternet.allows(v6(text)))
    }

    @Test("allows global IPv6 addresses", arguments: ["2001:200::1", "2606:4700::1111", "2a00::1", "3fff:1000::1"])
    func publicV6(text: String) {
        #expect(AddressPolicy.publicInternet.allows(v6(text)))
    }

    @Test("forbids what is no network address")
    func other() {
        #expect(!AddressPolicy.any.allows([]))
        #expect(!AddressPolicy.publicInternet.allows([1, 2, 3]))
    }
}
