"""Small pictures and PDFs that attack their reader, made by code."""

import struct
import zlib
from collections.abc import Mapping

# --- Pictures


def png(width: int, height: int, *, more: bytes = b"") -> bytes:
    """One bit a pixel; `more` chunks before the pixels."""
    head = _chunk(b"IHDR", struct.pack(">2L5B", width, height, 1, 0, 0, 0, 0))
    rows = zlib.compress((b"\0" + bytes((width + 7) // 8)) * height, 9)
    return b"\x89PNG\r\n\x1a\n" + head + more + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data))


def packed_words() -> bytes:
    return png(8, 8, more=_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(5_000_000))))


def webp(width: int, height: int) -> bytes:
    bits = (width - 1) | (height - 1) << 14
    body = b"WEBPVP8L" + (6).to_bytes(4, "little") + b"\x2f" + bits.to_bytes(4, "little") + b"\0"
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def tiff(width: int, height: int, *, following: int = 0) -> bytes:
    """White, one bit a pixel; `following` is where the next directory lies, this one at 8."""
    tags = (
        (256, width),
        (257, height),
        (258, 1),
        (259, 1),
        (262, 0),
        (273, 0),
        (278, height),
        (279, 1),
    )
    data = b"".join(struct.pack("<2H2L", tag, 4, 1, value) for tag, value in tags)
    return (
        struct.pack("<2sHLH", b"II", 42, 8, len(tags)) + data + struct.pack("<L", following) + b"\0"
    )


# --- PDFs


def pdf(objects: Mapping[int, str | bytes], *, previous: str = "", root: int = 1) -> bytes:
    out, places = bytearray(b"%PDF-1.7\n"), {}
    for number, body in objects.items():
        places[number] = len(out)
        out += (
            b"%d 0 obj\n" % number
            + (body.encode() if isinstance(body, str) else body)
            + b"\nendobj\n"
        )
    at = len(out)
    out += b"xref\n0 1\n0000000000 65535 f \n"
    for number, place in places.items():
        out += b"%d 1\n%010d 00000 n \n" % (number, place)
    trailer = f"trailer\n<< /Size {max(objects) + 1} /Root {root} 0 R {previous.format(at=at)} >>\n"
    return bytes(out) + trailer.encode() + b"startxref\n%d\n%%%%EOF\n" % at


def stream(data: bytes, more: str = "") -> bytes:
    packed = zlib.compress(data, 9)
    return (
        f"<< /Length {len(packed)} /Filter /FlateDecode {more} >>\nstream\n".encode()
        + packed
        + b"\nendstream"
    )


def page(
    content: bytes, *, box: str = "0 0 595 842", more: str = "", catalog: str = ""
) -> dict[int, str | bytes]:
    return {
        1: f"<< /Type /Catalog /Pages 2 0 R {catalog} >>",
        2: "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        3: f"<< /Type /Page /Parent 2 0 R /MediaBox [{box}] /Contents 4 0 R "
        f"/Resources << /Font << /F 5 0 R >> /XObject << /X 6 0 R >> >> {more} >>",
        4: stream(content),
        5: "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    }


WORDS = b"BT /F 12 Tf 72 700 Td (Words to keep on this page, a whole line of them.) Tj ET\n"


def pages(kids: str, count: int) -> dict[int, str | bytes]:
    return {
        1: "<< /Type /Catalog /Pages 2 0 R >>",
        2: f"<< /Type /Pages /Kids [{kids}] /Count {count} >>",
        3: "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>",
    }


def round_outline() -> bytes:
    entry = "<< /Title (Words) /Parent 7 0 R /Next 8 0 R /First 8 0 R /Dest [3 0 R /Fit] >>"
    outline = {7: "<< /First 8 0 R /Last 8 0 R /Count 1 >>", 8: entry}
    return pdf({**page(WORDS, catalog="/Outlines 7 0 R"), **outline})
