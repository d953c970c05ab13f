package import CarillonNet

// What a handler reads of the caller's metadata, and the metadata that it answers with.
extension CallContext {
    /// The request's metadata: what the caller added to the protocol's own fields.
    package var metadata: RequestMetadata { RequestMetadata(block: stream.received) }

    /// The first value of a request header field, such as `authorization`. Names are lower-case.
    package subscript(header name: StaticString) -> String? { stream.received[name] }

    /// Calls a closure with the octets of a request header field, without copying them.
    package func withHeader<Result>(_ name: StaticString, _ body: (UnsafeRawBufferPointer?) -> Result) -> Result {
        stream.received.withFirst(name, body)
    }

    /// Calls a closure with the octets of the only request header field of that name, without copying them; with `nil` when
    /// there is none, or more than one.
    package func withOnlyHeader<Result>(_ name: StaticString, _ body: (UnsafeRawBufferPointer?) -> Result) -> Result {
        stream.received.withOnly(name, body)
    }

    /// Whether two request header fields are there, and their octets without copying them: good for as long as the call is, and nothing
    /// is done for it meanwhile.
    package func headers(
        _ one: StaticString, _ other: StaticString
    ) -> (one: HeaderBlock.Occurrence, other: HeaderBlock.Occurrence) {
        stream.received.occurrences(of: one, and: other)
    }

    /// How many attempts of this call came before, as the caller says (gRFC A6); 0 for a first one.
    package var previousAttempts: Int {
        withHeader("grpc-previous-rpc-attempts") { value in
            value.flatMap { Int(String(decoding: $0.prefix(9), as: UTF8.self)) }.map { max(0, $0) } ?? 0
        }
    }

    /// The most that a handler may add to the header block, counted as RFC 9113 §6.5.2 does: what gRPC's own libraries take
    /// of a block unless they are told otherwise.
    static let leadingLimit = 8 * 1024
    /// The most that it may add to the trailers: with more, and the status with its words and details beside it, peers would
    /// take nothing of the block.
    static let trailingLimit = 2 * 1024

    private func fits(_ name: String, _ value: String, _ block: HeaderBlock, _ limit: Int) -> Bool {
        MetadataField.isValid(name, value) && block.listSize + name.utf8.count + value.utf8.count + 32 <= limit
    }

    /// Adds a field to the header block of the answer, which is sent before the first message.
    ///
    /// - Parameter name: lower-case, without the suffix `-bin`.
    /// - Returns: whether it was added: not when the header block was sent already, nor when it would have more than
    ///   ``leadingLimit`` (for trailers ``trailingLimit``) of such fields, the name is the protocol's own, or either has
    ///   octets that a field cannot carry.
    @discardableResult
    package func addLeading(_ name: String, _ value: String) -> Bool {
        loop.assertOnLoop()
        guard !areHeadersSent, fits(name, value, leading, Self.leadingLimit) else { return false }
        leading.append(name, value)
        return true
    }

    /// Adds a field of octets to the header block of the answer.
    ///
    /// - Parameter name: lower-case, with the suffix `-bin`.
    /// - Returns: see ``addLeading(_:_:)``.
    @discardableResult
    package func addLeading(_ name: String, octets: [UInt8]) -> Bool {
        name.hasSuffix("-bin") && addLeading(name, Base64.encode(octets))
    }

    /// Adds a field to the trailers of the answer.
    ///
    /// - Parameter name: lower-case, without the suffix `-bin`.
    /// - Returns: see ``addLeading(_:_:)``.
    @discardableResult
    package func addTrailer(_ name: String, _ value: String) -> Bool {
        loop.assertOnLoop()
        guard !isAnswered, fits(name, value, trailing, Self.trailingLimit) else { return false }
        trailing.append(name, value)
        return true
    }

    /// Adds a field of octets to the trailers of the answer.
    ///
    /// - Parameter name: lower-case, with the suffix `-bin`.
    /// - Returns: see ``addLeading(_:_:)``.
    @discardableResult
    package func addTrailer(_ name: String, octets: [UInt8]) -> Bool {
        name.hasSuffix("-bin") && addTrailer(name, Base64.encode(octets))
    }

    /// Tells the caller, beside an error, when to try again (gRFC A6, "pushback"). A Connect call with one message is told in
    /// HTTP's own words too, in whole seconds (RFC 9110 §10.2.3).
    ///
    /// - Parameter pause: at most about 24 days; `nil` asks not to try again at all.
    package func pushBack(_ pause: Duration?) {
        // Neither is held against the limits, since they are small fields that must get out.
        guard !isAnswered else { return }
        let milliseconds = pause.map { min(max(0, $0.wholeNanoseconds / 1_000_000), Int64(Int32.max)) } ?? -1
        trailing.append("grpc-retry-pushback-ms", String(milliseconds))
        if milliseconds >= 0, contentType.dialect == .connectUnary {
            leading.append("retry-after", String((milliseconds + 999) / 1000))
        }
    }
}

/// The metadata of a request: its header fields without those of HTTP and of the protocols themselves.
///
/// A view for the time of the call; it copies no field before it is asked for.
package struct RequestMetadata: Sendable {
    let block: HeaderBlock

    /// The value of a text field; several of one name are joined by commas, in their order, as HTTP allows
    /// (RFC 9110 §5.3). `nil` for a field that is not there or not an application's.
    package subscript(name: String) -> String? {
        guard !MetadataField.isReserved(name.utf8) else { return nil }
        var joined: String?
        visit { field, value in
            guard field == name else { return }
            let text = String(decoding: value, as: UTF8.self)
            joined = joined.map { "\($0),\(text)" } ?? text
        }
        return joined
    }

    /// The values of a field of octets, whose name ends in `-bin`, in their order. Values that were joined by commas on
    /// the way are taken apart; base64 that is broken was refused before.
    package func octets(_ name: String) -> [[UInt8]] {
        guard name.hasSuffix("-bin"), !MetadataField.isReserved(name.utf8) else { return [] }
        var values: [[UInt8]] = []
        visit { field, value in
            guard field == name else { return }
            values += value.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
                .compactMap { Base64.decode($0.trimmingBlanks) }
        }
        return values
    }

    /// All fields with their values as they came, in their order.
    package var fields: [(name: String, value: String)] {
        var fields: [(name: String, value: String)] = []
        visit { fields.append((name: $0, value: String(decoding: $1, as: UTF8.self))) }
        return fields
    }

    private func visit(_ body: (String, UnsafeRawBufferPointer) -> Void) {
        block.visit { name, value in
            guard !MetadataField.isReserved(name) else { return }
            body(String(decoding: name, as: UTF8.self), value)
        }
    }
}
