/// A part of a list, and where the next part begins.
package struct Page<Element: Sendable, Key: Sendable>: Sendable {
    /// The elements in order.
    package let elements: [Element]
    /// What to pass as `after` to get the next page; nil when the list has ended.
    package let next: Key?

    /// Makes a page.
    package init(elements: [Element], next: Key?) {
        self.elements = elements
        self.next = next
    }

    /// Makes a page of rows that were read with a limit of one more than the page's size.
    init(overread rows: [Element], size: Int, key: (Element) -> Key) {
        elements = Array(rows.prefix(size))
        next = rows.count > size ? elements.last.map(key) : nil
    }
}
