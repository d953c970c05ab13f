"""Header compression (RFC 7541), as the decoder of a server must do it (RFC 9113 §4.3)."""

from __future__ import annotations

from collections.abc import Sequence

from ..case import BARRIER, OK, Case, Over, Wait, answered, both, connection_error, status, stream_error
from ..wire import (
    COMPRESSION_ERROR,
    GET,
    INDEXING,
    NEVER,
    PLAIN,
    PROTOCOL_ERROR,
    block_of,
    call,
    data,
    headers,
    indexed,
    integer,
    literal,
    message,
    octets_of,
    string,
    table_size,
)

BROKEN = [connection_error(COMPRESSION_ERROR)]
BLOCK = block_of(GET)
# The static table (RFC 7541 Appendix A).
USER_AGENT = 58
STATIC = indexed(2) + indexed(7) + indexed(4) + literal(1, "localhost")
# The first index of the dynamic table.
NEWEST = 62


def taken(id: str, title: str, field: bytes, section: str) -> Case:
    return Case(f"hpack/{id}", title, f"RFC 7541 {section}", [headers(1, BLOCK + field)], [answered()])


def refused(
    id: str, title: str, field: bytes, section: str, before: Sequence[bytes | Wait] = (), stream: int = 1
) -> Case:
    return Case(f"hpack/{id}", title, f"RFC 7541 {section}", [*before, headers(stream, BLOCK + field)], BROKEN)


def huffman(*octets: int) -> bytes:
    """A field with these octets for the Huffman code of its value."""
    return literal(USER_AGENT, b"", PLAIN)[:-1] + integer(len(octets), 7, 0x80) + bytes(octets)


# A field that the dynamic table keeps.
KEPT = literal("x-kept", "yes", INDEXING)
CALL = block_of(call())
BODY = data(3, message(), end=True)

CASES = [
    # Each representation is taken (§6).
    taken("indexed-static", "an indexed field of the static table", indexed(USER_AGENT), "§6.1"),
    Case(
        "hpack/indexed-pseudo",
        "pseudo-fields from the static table",
        "RFC 7541 §6.1",
        [headers(1, STATIC)],
        [answered()],
    ),
    *(
        taken(
            f"{kind}-{name}{'-huffman' if coded else ''}",
            f"a literal field, {kind}, {name}{', Huffman' if coded else ''}",
            literal(USER_AGENT if name == "indexed-name" else "x-test", "carillon", how, coded),
            section,
        )
        for kind, how, section in (
            ("indexing", INDEXING, "§6.2.1"),
            ("plain", PLAIN, "§6.2.2"),
            ("never-indexed", NEVER, "§6.2.3"),
        )
        for name in ("indexed-name", "new-name")
        for coded in (False, True)
    ),
    taken("empty-value", "a literal field with an empty value", literal(USER_AGENT, ""), "§5.2"),
    taken("empty-huffman", "an empty value in Huffman code", literal(USER_AGENT, "", huffman=True), "§5.2"),
    taken(
        "long-integer",
        "an integer with more octets than it needs",
        b"\x00" + b"\x06x-long" + b"\x7f" + integer(200, 7)[1:] + b"y" * 200,
        "§5.1",
    ),
    taken("value-300", "a value of 300 octets", literal("x-long", "y" * 300), "§5.1"),
    # The dynamic table (§2.3.2, §4).
    Case(
        "hpack/dynamic",
        "a field of an earlier request by its index",
        "RFC 7541 §2.3.2",
        [headers(1, BLOCK + KEPT), headers(3, BLOCK + indexed(NEWEST))],
        [both(answered(), answered(stream=3))],
    ),
    Case(
        "hpack/dynamic-of-a-page-not-found",
        "the table is kept in step by a request that is refused",
        "RFC 9113 §4.3",
        [
            headers(1, block_of(call("/no.Service/Method")) + KEPT),
            Over(1),
            headers(3, CALL + indexed(NEWEST), end=False),
            BODY,
        ],
        [both(status(12), status(0, stream=3))],
    ),
    Case(
        "hpack/dynamic-of-malformed",
        "the table is kept in step by a request that is malformed",
        "RFC 9113 §4.3",
        [
            headers(1, BLOCK + literal("Bad", "1") + literal("x-in-table", "1", INDEXING)),
            BARRIER,
            headers(3, CALL + indexed(NEWEST), end=False),
            BODY,
        ],
        [both(stream_error(PROTOCOL_ERROR), status(0, stream=3))],
    ),
    Case(
        "hpack/dynamic-name",
        "a name from the dynamic table with a new value",
        "RFC 7541 §6.2.1",
        [
            headers(1, BLOCK + KEPT),
            headers(3, BLOCK + literal(NEWEST, "no", INDEXING)),
            headers(5, BLOCK + indexed(NEWEST) + indexed(NEWEST + 1)),
        ],
        [answered(stream=5)],
    ),
    Case(
        "hpack/dynamic-in-block",
        "a field by its index in the block that brought it",
        "RFC 7541 §2.3.2",
        [headers(1, BLOCK + KEPT + indexed(NEWEST))],
        [answered()],
    ),
    refused(
        "evicted",
        "an index of a field that was evicted",
        indexed(NEWEST + 1),
        "§4.4",
        [headers(1, BLOCK + KEPT), Over(1), headers(3, BLOCK + literal("x-large", "y" * 4040, INDEXING)), Over(3)],
        5,
    ),
    refused(
        "too-large-to-keep",
        "a field larger than the table empties it",
        indexed(NEWEST),
        "§4.4",
        [headers(1, BLOCK + KEPT), Over(1), headers(3, BLOCK + literal("x-large", "y" * 5000, INDEXING)), Over(3)],
        5,
    ),
    # Indexes that are nowhere (§2.3.3).
    refused("index-zero", "index 0", b"\x80", "§6.1"),
    refused("index-beyond", "an index beyond both tables", indexed(70), "§2.3.3"),
    refused("index-just-beyond", "the first index of an empty dynamic table", indexed(NEWEST), "§2.3.3"),
    refused("index-huge", "index 2^24", indexed(2**24), "§2.3.3"),
    refused(
        "name-beyond-indexing", "a name beyond both tables, with indexing", literal(70, "empty", INDEXING), "§2.3.3"
    ),
    refused("name-beyond-plain", "a name beyond both tables, without indexing", literal(70, "empty", PLAIN), "§2.3.3"),
    refused("name-beyond-never", "a name beyond both tables, never indexed", literal(70, "empty", NEVER), "§2.3.3"),
    # Size updates (§4.2, §6.3).
    Case("hpack/size-zero", "a size update to 0", "RFC 7541 §6.3", [headers(1, table_size(0) + BLOCK)], [answered()]),
    Case(
        "hpack/size-twice",
        "two size updates at the beginning of a block",
        "RFC 7541 §4.2",
        [headers(1, table_size(0) + table_size(4096) + BLOCK)],
        [answered()],
    ),
    Case(
        "hpack/size-largest",
        "a size update to the limit",
        "RFC 7541 §6.3",
        [headers(1, table_size(4096) + BLOCK)],
        [answered()],
    ),
    Case(
        "hpack/size-only",
        "a block of nothing but a size update, as trailers",
        "RFC 7541 §6.3",
        [headers(1, call(), end=False), data(1, message()), headers(1, table_size(0))],
        [OK],
    ),
    Case(
        "hpack/size-too-large",
        "a size update beyond the limit",
        "RFC 7541 §6.3",
        [headers(1, table_size(4097) + BLOCK)],
        BROKEN,
    ),
    Case("hpack/size-huge", "a size update to 2^32", "RFC 7541 §6.3", [headers(1, table_size(2**32) + BLOCK)], BROKEN),
    refused("size-at-the-end", "a size update at the end of a block", table_size(0), "§4.2"),
    refused("size-between", "a size update between fields", table_size(4096) + literal("x-more", "1"), "§4.2"),
    refused(
        "size-evicts",
        "a size update empties the table",
        indexed(NEWEST),
        "§4.3",
        [headers(1, BLOCK + KEPT), Over(1), headers(3, table_size(0) + BLOCK), Over(3)],
        5,
    ),
    # Strings (§5.2).
    refused("huffman-padding-long", "Huffman padding of more than 7 bits", huffman(0x1F, 0xFF, 0xFF), "§5.2"),
    refused("huffman-padding-zeros", "Huffman padding that is not the beginning of EOS", huffman(0x18), "§5.2"),
    refused("huffman-eos", "EOS within a string", huffman(0xFF, 0xFF, 0xFF, 0xFF), "§5.2"),
    refused("huffman-only-padding", "a Huffman string of 8 bits of padding", huffman(0xFF), "§5.2"),
    refused("string-cut-off", "a string longer than the block", octets_of(b"\x00\x06x-long\x7f\x10abc"), "§5.2"),
    refused("name-cut-off", "a field that ends after its name", b"\x00" + string("x-test"), "§6.2.2"),
    refused("integer-endless", "an integer without end", b"\xff" + b"\x80" * 12, "§5.1"),
    refused("integer-too-large", "an integer beyond 64 bits", b"\xff" + b"\xff" * 12 + b"\x01", "§5.1"),
    refused("integer-cut-off", "an integer that ends within the block", b"\xff\x80", "§5.1"),
    refused("length-huge", "a string that claims 2^28 octets", b"\x00\x06x-long" + integer(2**28, 7), "§5.1"),
    Case(
        "hpack/broken-trailers",
        "trailers that are a broken block",
        "RFC 9113 §4.3",
        [headers(1, call(), end=False), data(1, message()), BARRIER, headers(1, b"\x80")],
        BROKEN,
    ),
    Case(
        "hpack/broken-for-reset-stream",
        "a broken block for a stream that was reset is an error of the connection all the same",
        "RFC 9113 §4.3",
        [headers(1, call("/no.Service/Method"), end=False), Over(1), BARRIER, headers(1, b"\x80")],
        BROKEN,
    ),
]
