package import Domain
internal import Mustache

/// Makes the words of messages. A value without state: it may be used from any thread, and the same request gives the same
/// words.
package struct Renderer: Sendable {
    /// The largest text and the largest HTML of a mail, in bytes.
    package static let sizeLimit = 256 << 10

    private let layouts: Layouts

    /// Makes a renderer; the built-in layouts are parsed once in a process.
    package init() {
        layouts = .builtIn
    }

    /// The mail for one recipient. What the channel may not show is left out, and the mail says so.
    ///
    /// - Throws: ``RenderingError``.
    package func email(_ request: RenderingRequest) throws(RenderingError) -> RenderedEmail {
        let view = try MessageView(request, on: .email)
        let values = view.values
        let text = layouts.text.render(values)
        let html = layouts.html.render(values)
        guard text.utf8.count <= Self.sizeLimit, html.utf8.count <= Self.sizeLimit else { throw .tooLarge }
        return RenderedEmail(subject: view.subject, text: text, html: html, link: view.link)
    }

    /// What a digest by mail shows of one notification: its subject, with what mail may not show left out.
    ///
    /// - Parameter time: when it happened.
    /// - Throws: ``RenderingError``.
    package func digestEntry(_ request: RenderingRequest, at time: Instant) throws(RenderingError) -> DigestEntry {
        let view = try MessageView(request, on: .email)
        let title = request.type.title
        return DigestEntry(
            category: request.type.category.rawValue, kind: view.subject.hasPrefix(title) ? "" : title,
            line: view.subject, link: view.link, time: time, isAnythingHidden: view.isAnythingHidden)
    }

    /// The mail that tells one recipient of many notifications.
    ///
    /// - Throws: ``RenderingError``.
    package func digest(_ request: DigestRequest) throws(RenderingError) -> RenderedEmail {
        let view = try DigestView(request)
        let values = view.values
        let text = layouts.digestText.render(values)
        let html = layouts.digestHTML.render(values)
        guard text.utf8.count <= Self.sizeLimit, html.utf8.count <= Self.sizeLimit else { throw .tooLarge }
        return RenderedEmail(subject: view.subject, text: text, html: html, link: view.portal)
    }

    /// The inbox item for one recipient: all but secrets.
    ///
    /// - Throws: ``RenderingError``.
    package func inboxItem(_ request: RenderingRequest) throws(RenderingError) -> RenderedInboxItem {
        let view = try MessageView(request, on: .inApp)
        let body = view.details.map { "\($0.label): \($0.text)" }.joined(separator: "\n")
        guard body.utf8.count <= Self.sizeLimit else { throw .tooLarge }
        return RenderedInboxItem(title: view.subject, body: body, link: view.link)
    }
}
