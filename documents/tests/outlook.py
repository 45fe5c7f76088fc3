"""Messages of Outlook: properties of MAPI as streams of an OLE file."""

from itertools import pairwise
from pathlib import Path

from documents.tests.files import ole_entry

SUBJECT, RECEIVERS, BODY, HTML = 0x0037, 0x0E04, 0x1000, 0x1013
CODE_PAGE, STRINGS_PAGE, LOCALE, FILE_NAME = 0x3FDE, 0x3FFD, 0x3FF1, 0x3707
_NUMBER, _BYTES_TEXT, _TEXT, _BYTES = 0x0003, 0x001E, 0x001F, 0x0102
_END, _TABLE = 0xFFFFFFFE, 0xFFFFFFFD


def message(path: Path, properties: dict[int, object], attached: str = "") -> Path:
    """Numbers are code pages, `str` is Unicode, `bytes` text in a code page, but for HTML."""
    tree = _storage(properties, head=32)
    if attached:
        tree["__attach_version1.0_#00000000"] = _storage({FILE_NAME: attached}, head=8)
    return _written(path, tree)


def _storage(properties: dict[int, object], *, head: int) -> dict[str, object]:
    table, streams = bytearray(head), dict[str, object]()
    for name, value in properties.items():
        kind = _kind(name, value)
        data = value.encode("utf-16-le") if isinstance(value, str) else value
        told = data if kind == _NUMBER else len(data)
        table += b"".join(
            part.to_bytes(size, "little")
            for part, size in ((kind, 2), (name, 2), (6, 4), (told, 4), (0, 4))
        )
        if kind != _NUMBER:
            streams[f"__substg1.0_{name:04X}{kind:04X}"] = data
    return {"__properties_version1.0": bytes(table), **streams}


def _kind(name: int, value: object) -> int:
    if isinstance(value, int):
        return _NUMBER
    if isinstance(value, str):
        return _TEXT
    return _BYTES if name == HTML else _BYTES_TEXT


def _written(path: Path, tree: dict[str, object]) -> Path:
    """An OLE file whose streams all are short, and so lie in the stream of its root."""
    entries: list[bytes] = []
    links: list[int] = []  # of pieces of 64 bytes
    short = bytearray()

    def add(name: str, node: object) -> int:
        at = len(entries)
        entries.append(b"")
        if isinstance(node, bytes):
            start, pieces = len(links), -(-len(node) // 64)
            links.extend([*range(start + 1, start + pieces), _END])
            short.extend(node.ljust(pieces * 64, b"\0"))
            entries[at] = ole_entry(name, 2, start=start, size=len(node))
            return at
        names = sorted(node, key=lambda each: (len(each), each.upper()))
        children = [add(each, node[each]) for each in names]
        for left, right in pairwise(children):
            entry = entries[left]
            entries[left] = entry[:72] + right.to_bytes(4, "little") + entry[76:]
        entries[at] = ole_entry(name, 5 if at == 0 else 1, child=children[0])
        return at

    add("Root Entry", tree)
    catalogue = -(-len(entries) // 4)  # sectors
    stream = -(-len(short) // 512)
    root = entries[0]
    start = (2 + catalogue).to_bytes(4, "little")
    entries[0] = root[:116] + start + len(short).to_bytes(4, "little") + root[124:]
    chains = [*range(3, 2 + catalogue), _END, *range(3 + catalogue, 2 + catalogue + stream), _END]
    sectors = [_numbers([_TABLE, _END, *chains]), _numbers(links), b"".join(entries), bytes(short)]
    content = b"".join(each.ljust(-(-len(each) // 512) * 512, b"\0") for each in sectors)
    path.write_bytes(_header() + content)
    return path


def _numbers(numbers: list[int]) -> bytes:
    assert len(numbers) <= 128  # they are one sector
    return b"".join(each.to_bytes(4, "little") for each in numbers).ljust(512, b"\xff")


def _header() -> bytes:
    header = bytearray(512)
    header[:8] = bytes.fromhex("d0cf11e0a1b11ae1")
    header[24:34] = bytes.fromhex("3e00 0300 feff 0900 0600")
    for at, number in ((44, 1), (48, 2), (56, 4096), (60, 1), (64, 1), (68, _END)):
        header[at : at + 4] = number.to_bytes(4, "little")
    header[76:] = bytes(4) + b"\xff" * 432
    return bytes(header)
