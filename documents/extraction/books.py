"""E-books: web pages in a zip, in the order of the spine."""

import posixpath
import re
from collections.abc import Iterator
from urllib.parse import unquote

from lxml import etree
from unstructured.documents.elements import Element

from documents.exceptions import CorruptFile, PasswordProtected
from documents.extraction import web
from documents.extraction.encodings import decode
from documents.extraction.packages import Package, opened
from documents.extraction.reading import Reading

_SELF_CLOSED = re.compile(r"<(title|script|style|a|div|span|p|i|b|em|td)((?:\s[^<>]*)?)/>")
_PAGES = frozenset({"application/xhtml+xml", "text/html", "application/x-dtbook+xml"})


def read_epub(reading: Reading) -> Iterator[Element]:
    with opened(reading.path) as package:
        if package.bytes("META-INF/rights.xml") is not None:
            raise PasswordProtected("The e-book is copy-protected.")
        chapters = _spine(package)
        for done, part in enumerate(chapters, 1):
            data = package.bytes(part)
            if data:
                yield from web.elements_of_tree(_tree(data), headline=False)
            reading.progress(done, len(chapters))


def _spine(package: Package) -> list[str]:
    """The parts to read, in order, without the navigation."""
    container = package.xml("META-INF/container.xml")
    pointer = container.find(".//{*}rootfile") if container is not None else None
    book = pointer.get("full-path", "") if pointer is not None else ""
    root = package.xml(book)
    if root is None:
        raise CorruptFile
    items = {
        item.get("id"): item.get("href", "")
        for item in root.iter("{*}item")
        if item.get("media-type") in _PAGES and "nav" not in item.get("properties", "").split()
    }
    ids = [entry.get("idref") for entry in root.iter("{*}itemref")]
    folder = posixpath.dirname(book)
    return [posixpath.join(folder, unquote(items[each])) for each in ids if each in items]


def _tree(data: bytes) -> etree._Element:
    """A chapter as XML if it is well-formed, else as the HTML it nearly is."""
    try:
        return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError:
        text = _SELF_CLOSED.sub(r"<\1\2></\1>", decode(data)[0])
        return web.parsed(text)
