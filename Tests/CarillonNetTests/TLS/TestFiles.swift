import Foundation
import Programs

/// Certificates for the tests, made once by the `openssl` command: an authority, a server and clients of it, and another
/// authority that knows nobody.
struct TestFiles: Sendable {
    let folder: URL

    /// Made at the first use; a folder of the system's temporary ones.
    static let shared = Result { try TestFiles() }

    private init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "carillon-net-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["bash", "-euc", Self.script]
        process.currentDirectoryURL = folder
        process.standardError = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        try process.startInTurn()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw CocoaError(.executableLoad) }
    }

    func path(_ name: String) -> String { folder.appending(path: name).path }

    private static let script = """
        key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key"; }
        authority() {
            key "$1"
            openssl req -x509 -key "$1.key" -days 2 -subj "/CN=$1" -out "$1.pem"
        }
        # leaf NAME AUTHORITY EXTENSIONS...
        leaf() {
            name=$1 issuer=$2; shift 2
            key "$name"
            printf '%s\\n' "$@" > "$name.ext"
            openssl req -new -key "$name.key" -subj "/CN=$name" -out "$name.csr"
            openssl x509 -req -in "$name.csr" -CA "$issuer.pem" -CAkey "$issuer.key" -CAcreateserial -days 2 \\
                -extfile "$name.ext" -out "$name.pem"
        }
        authority ca
        authority stranger
        leaf server ca 'subjectAltName=DNS:localhost,DNS:carillon.test,IP:127.0.0.1'
        leaf renewed ca 'subjectAltName=DNS:localhost,IP:127.0.0.1'
        orders='URI:spiffe://example.org/ns/shop/sa/orders'
        usage='keyUsage=critical,digitalSignature'
        leaf orders ca "subjectAltName=$orders,DNS:orders.example.org" 'basicConstraints=critical,CA:FALSE' "$usage"
        leaf two ca "subjectAltName=$orders,URI:spiffe://example.org/ns/shop/sa/billing" "$usage"
        leaf nobody ca 'subjectAltName=DNS:orders.example.org' "$usage"
        leaf signing ca "subjectAltName=$orders" 'basicConstraints=critical,CA:TRUE'
        leaf foreign stranger "subjectAltName=$orders" "$usage"
        leaf useless ca "subjectAltName=$orders"
        # Chains: the client "deepN" has N authorities between itself and the one that is trusted.
        issuer=ca chain=
        for depth in 1 2 3 4 5; do
            leaf "step$depth" "$issuer" 'basicConstraints=critical,CA:TRUE'
            issuer="step$depth"
            chain="$issuer.pem $chain"
            leaf "deep$depth" "$issuer" "subjectAltName=$orders" "$usage"
            cat $chain > "deep$depth.chain"
        done
        """
}
