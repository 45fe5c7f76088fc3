"""Character styles of OpenDocument."""

from lxml import etree

from documents.extraction.office.style_chains import nearest

_STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"


def placed_styles(content: etree._Element | None, styles: etree._Element | None) -> dict[str, bool]:
    """The names of the character styles for superscripts, as in 10⁶ (True), and subscripts, as in
    log₂8 (False): the text's automatic styles and the named ones."""
    found = {
        style.get(f"{_STYLE}name", ""): style
        for root, kind in ((styles, "styles"), (content, "automatic-styles"))
        for style in (root.iterfind(f"{_OFFICE}{kind}/{_STYLE}style") if root is not None else ())
        if style.get(f"{_STYLE}family") == "text"
    }
    parents = {name: style.get(f"{_STYLE}parent-style-name", "") for name, style in found.items()}
    said = {name: _position(style) for name, style in found.items()}
    places = {name: nearest(name, said, parents) for name in found}
    return {name: _is_raised(at) for name, at in places.items() if _is_raised(at) or _is_sunk(at)}


def _position(style: etree._Element) -> str:
    settings = style.find(f"{_STYLE}text-properties")
    return "" if settings is None else str(settings.get(f"{_STYLE}text-position", ""))


def _is_raised(position: str) -> bool:
    """Whether a position is above the line ("super 58%", "33% 58%"); "sub", "0%", "-33%" are
    not."""
    return position.startswith(("super", *"123456789"))


def _is_sunk(position: str) -> bool:
    return position.startswith(("sub", "-"))
