import Foundation
import Testing

@testable import carillon

@Suite("Readiness")
struct ReadinessTests {
    @Test("follows the database until draining, which is the end")
    func transcript() {
        let readiness = Readiness()
        #expect(readiness.word == "starting" && !readiness.isReady)
        #expect(readiness.note(isDatabaseThere: true))
        #expect(readiness.word == "ready" && readiness.isReady)
        #expect(!readiness.note(isDatabaseThere: true))
        #expect(readiness.note(isDatabaseThere: false))
        #expect(readiness.word == "no database" && !readiness.isReady)
        #expect(readiness.note(isDatabaseThere: true))
        readiness.beginDraining()
        #expect(!readiness.note(isDatabaseThere: true))
        #expect(readiness.word == "draining" && !readiness.isReady)
    }

    @Test("Descriptors are raised to the hard limit")
    func descriptors() {
        var limit = rlimit()
        let raised = DescriptorLimit.raise()
        #if canImport(Glibc)
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        #else
            getrlimit(RLIMIT_NOFILE, &limit)
        #endif
        #expect(limit.rlim_cur == limit.rlim_max)
        #expect(raised == UInt64(limit.rlim_cur))
    }

    @Test("Variables that look like settings and are none are found")
    func variables() {
        #expect(
            UnknownVariables.of(["CARILLON_LISTEN": "", "CARILLON_PORT": "", "PATH": "", "CARILLON_DATABSE_URL": ""])
                == ["CARILLON_DATABSE_URL", "CARILLON_PORT"])
    }
}
