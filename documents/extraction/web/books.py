"""E-books: web pages in a zip, in the order of the spine."""

import posixpath
import re
from collections.abc import Iterator
from html.entities import html5
from urllib.parse import unquote

from lxml import etree
from unstructured.documents.elements import Element, Title

from documents.exceptions import CopyProtected, CorruptFile
from documents.extraction import build
from documents.extraction.encodings import decode
from documents.extraction.reading import Reading
from documents.extraction.web import reader as web
from documents.extraction.xml_packages import Package, opened

_SELF_CLOSED = re.compile(r"<(title|script|style|a|div|span|p|i|b|em|td)((?:\s[^<>]*)?)/>")
_NAMED = re.compile(rb"&([A-Za-z]\w{1,31};)")
_OF_XML = ("amp;", "lt;", "gt;", "quot;", "apos;")
# Entities that a page may use without defining them: their DTD is never loaded.
_CHARACTERS = {
    name.encode(): "".join(f"&#{ord(character)};" for character in characters).encode()
    for name, characters in html5.items()
    if name.endswith(";") and name not in _OF_XML
}
_COVER = 2_000  # characters that a cover may have, including its style sheet
_NEAR = 3  # elements at a chapter's start among which its own heading would be
_PAGES = frozenset({"application/xhtml+xml", "text/html", "application/x-dtbook+xml"})


def read_epub(reading: Reading) -> Iterator[Element]:
    with opened(reading.path) as package:
        if package.bytes("META-INF/rights.xml") is not None:
            raise CopyProtected
        folder, book = _book(package)
        chapters = _without_furniture(package, book, folder, _spine(book, folder))
        names = _contents(package, book, folder)
        for done, part in enumerate(chapters, 1):
            data = package.bytes(part)
            if data:
                elements = list(web.elements_of_tree(_tree(data), headline=False))
                yield from _headed(elements, *names.get(part, ("", 1)))
            reading.progress(done, len(chapters))


def _book(package: Package) -> tuple[str, etree._Element]:
    """The folder that paths are relative to, and the package document. Raises CorruptFile."""
    container = package.xml("META-INF/container.xml")
    pointer = container.find(".//{*}rootfile") if container is not None else None
    book = pointer.get("full-path", "") if pointer is not None else ""
    root = package.xml(book)
    if root is None:
        raise CorruptFile
    return posixpath.dirname(book), root


def _spine(book: etree._Element, folder: str) -> list[str]:
    """The parts to read, each once and in order, without the navigation."""
    items = {
        item.get("id"): _part(folder, item.get("href", ""))
        for item in book.iter("{*}item")
        if item.get("media-type") in _PAGES and "nav" not in item.get("properties", "").split()
    }
    ids = (entry.get("idref") for entry in book.iter("{*}itemref"))
    return list(dict.fromkeys(items[each] for each in ids if each in items))


def _without_furniture(
    package: Package, book: etree._Element, folder: str, chapters: list[str]
) -> list[str]:
    """The chapters without cover and table of contents, unless these contain chapters."""
    named = {
        _part(folder, reference.get("href", ""))
        for reference in book.iter("{*}reference")
        if reference.get("type") in {"toc", "cover"}
    }
    furniture = {part for part in named if not _has_text(package.bytes(part) or b"")}
    return [part for part in chapters if part not in furniture] or chapters


def _has_text(data: bytes) -> bool:
    """Whether a part has more text than a cover or a list of links."""
    page = _tree(data) if data else None
    if page is None:
        return False
    linked = sum(map(_length, page.iter("{*}a")))
    return _length(page) - linked > max(linked, _COVER)


def _length(node: etree._Element) -> int:
    return sum(map(len, node.itertext()))


def _part(folder: str, href: str) -> str:
    return posixpath.normpath(posixpath.join(folder, unquote(href.partition("#")[0])))


def _contents(package: Package, book: etree._Element, folder: str) -> dict[str, tuple[str, int]]:
    """Part -> its first title in the table of contents, and the level of that."""
    found: dict[str, tuple[str, int]] = {}
    for item in book.iter("{*}item"):
        is_nav = "nav" in item.get("properties", "").split()
        part = _part(folder, item.get("href", ""))
        data = package.bytes(part) if is_nav or _is_ncx(item) else None
        within = posixpath.dirname(part)
        for href, name, level in _entries(_tree(data), nav=is_nav) if data else ():
            found.setdefault(_part(within, href), (" ".join(name.split()), level))
    return found


def _is_ncx(item: etree._Element) -> bool:
    return bool(item.get("media-type") == "application/x-dtbncx+xml")


def _entries(root: etree._Element, *, nav: bool) -> Iterator[tuple[str, str, int]]:
    if nav:
        toc = root.find(".//{*}nav")
        for link in toc.iter("{*}a") if toc is not None else ():
            level = sum(1 for _ in link.iterancestors("{*}ol"))
            yield link.get("href", ""), "".join(link.itertext()), level
    else:
        for point in root.iter("{*}navPoint"):
            content, label = point.find("{*}content"), point.find("{*}navLabel")
            level = 1 + sum(1 for _ in point.iterancestors("{*}navPoint"))
            if content is not None and label is not None:
                yield content.get("src", ""), "".join(label.itertext()), level


def _headed(elements: list[Element], name: str, level: int) -> list[Element]:
    """A chapter below its title from the table of contents, unless it begins with a heading
    itself."""
    if not name or not elements or any(isinstance(each, Title) for each in elements[:_NEAR]):
        return elements
    repeated = " ".join(elements[0].text.split()).casefold() == name.casefold()
    return [build.title(name, level), *elements[repeated:]]


def _tree(data: bytes) -> etree._Element:
    """A chapter parsed as XML if it is well-formed, otherwise as HTML."""
    spelled = _NAMED.sub(lambda name: _CHARACTERS.get(name[1], name[0]), data)
    try:
        return etree.fromstring(spelled, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError:
        text = _SELF_CLOSED.sub(r"<\1\2></\1>", decode(data)[0])
        return web.parsed(text)
