/// An address on one channel, whoever has it: a mail address, a telephone number, a device's token.
package struct Address: Hashable, Sendable {
    /// On which channel.
    package let channel: Channel
    /// As it is stored; addresses are the same only when every octet is.
    package let text: String

    /// Names an address.
    package init(_ channel: Channel, _ text: String) {
        self.channel = channel
        self.text = text
    }
}
