internal import CarillonCNghttp2

extension HeaderBlock {
    /// Calls a closure with the block in libnghttp2's form. The pointers are good for the call only; libnghttp2 copies.
    func withNameValues<Result>(_ body: (UnsafePointer<nghttp2_nv>, Int) -> Result) -> Result {
        withUnsafeTemporaryAllocation(of: nghttp2_nv.self, capacity: count + 1) { pairs in
            var index = 0
            // Safe because the octets are not moved while the block is not changed, and this method does not change it.
            visit { name, value in
                pairs.initializeElement(
                    at: index,
                    to: nghttp2_nv(name: name, value: value, flags: NGHTTP2_NV_FLAG_NONE))
                index += 1
            }
            return body(UnsafePointer(pairs.baseAddress.unsafelyUnwrapped), index)
        }
    }
}

/// Header fields that never change, such as the trailers of a call that went well: made once, never copied or counted.
package struct StaticHeaderBlock: @unchecked Sendable {
    // Safe because it is written once at init and never freed: it lives as long as the process.
    let pairs: UnsafePointer<nghttp2_nv>
    let count: Int

    /// Makes a block of names (lower-case) and values.
    package init(_ fields: KeyValuePairs<StaticString, StaticString>) {
        let memory = UnsafeMutablePointer<nghttp2_nv>.allocate(capacity: fields.count)
        let flags = NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue | NGHTTP2_NV_FLAG_NO_COPY_VALUE.rawValue
        for (index, field) in fields.enumerated() {
            (memory + index).initialize(
                to: nghttp2_nv(
                    name: field.key.octets, value: field.value.octets, flags: nghttp2_nv_flag(rawValue: flags)))
        }
        pairs = UnsafePointer(memory)
        count = fields.count
    }
}

extension nghttp2_nv {
    init(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, flags: nghttp2_nv_flag) {
        // libnghttp2 takes mutable pointers and does not write to them. An empty value still needs an address.
        let name = UnsafeMutableRawBufferPointer(mutating: name)
        let value = UnsafeMutableRawBufferPointer(mutating: value)
        self.init(
            name: name.baseAddress?.assumingMemoryBound(to: UInt8.self),
            value: (value.baseAddress ?? name.baseAddress)?.assumingMemoryBound(to: UInt8.self),
            namelen: name.count, valuelen: value.count, flags: UInt8(truncatingIfNeeded: flags.rawValue))
    }
}
