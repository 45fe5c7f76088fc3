"""What styles of OpenDocument say of characters."""

from collections.abc import Iterator

from lxml import etree

_STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_OUTERMOST = 20  # of the styles that one may be based on; they may go in a circle


def raised_styles(content: etree._Element | None, styles: etree._Element | None) -> frozenset[str]:
    """The names of the styles that raise characters, as in 10⁶: those of the text itself, and
    those that have a name for people."""
    found = {
        style.get(f"{_STYLE}name", ""): style
        for root, kind in ((styles, "styles"), (content, "automatic-styles"))
        for style in (root.iterfind(f"{_OFFICE}{kind}/{_STYLE}style") if root is not None else ())
        if style.get(f"{_STYLE}family") == "text"
    }
    return frozenset(name for name in found if _is_raised(_position(name, found)))


def _position(name: str, styles: dict[str, etree._Element]) -> str:
    """What a style says of it, or else the nearest of those it is based on; "" for nothing."""
    return next(filter(None, map(_own_position, _chain(name, styles))), "")


def _chain(name: str, styles: dict[str, etree._Element]) -> Iterator[etree._Element]:
    for _ in range(_OUTERMOST):
        if name not in styles:
            return
        yield styles[name]
        name = styles[name].get(f"{_STYLE}parent-style-name", "")


def _own_position(style: etree._Element) -> str:
    settings = style.find(f"{_STYLE}text-properties")
    return "" if settings is None else str(settings.get(f"{_STYLE}text-position", ""))


def _is_raised(position: str) -> bool:
    """Whether "super 58%" or "33% 58%" lies above the line; "sub", "0%" and "-33%" do not."""
    return position.startswith(("super", *"123456789"))
