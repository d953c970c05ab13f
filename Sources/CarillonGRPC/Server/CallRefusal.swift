/// A refusal that is made before anybody meets it: those who ask too much must not cost much.
package struct CallRefusal: Error, Sendable {
    /// How the call ends.
    package let status: Status
    /// When the caller may try again (`grpc-retry-pushback-ms`); nil asks not to try again at all.
    package let pushback: Duration?

    /// Makes a refusal.
    package init(_ status: Status, pushback: Duration?) {
        self.status = status
        self.pushback = pushback
    }
}

extension CallContext {
    /// Tells the caller when to try again, if at all, and returns the status to end the call with.
    package func refuse(_ refusal: CallRefusal) -> Status {
        pushBack(refusal.pushback)
        return refusal.status
    }
}
