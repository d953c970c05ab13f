/// One way out of one channel: takes a finished message and says what became of it.
///
/// A provider keeps no message, repeats nothing by itself, and throws nothing: every end is an ``Outcome``. It is called
/// from a task on the loop that it was made for.
package protocol ChannelProvider<Message>: Sendable {
    /// What the channel carries.
    associatedtype Message: Sendable

    /// Hands a message over. If the task is cancelled the answer comes at once, and says whether the message may have
    /// been taken.
    func send(_ message: Message) async -> Outcome
}
