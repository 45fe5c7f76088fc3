"""Small files that lead elsewhere: to an address, which must not be asked, or a file on disk."""

from collections.abc import Callable

from documents.tests import hostile
from documents.tests.hostile_pages import WORDS, page, pdf

_LINK = '<Relationship Id="rId9{n}" TargetMode="External" Type="{kind}" Target="{url}"/>'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"


def _relations(url: str) -> str:
    kinds = ("image", "attachedTemplate", "oleObject", "frame", "hyperlink", "externalLinkPath")
    links = "".join(_LINK.format(n=n, kind=_OFFICE + kind, url=url) for n, kind in enumerate(kinds))
    return f"{links}</Relationships>"


def _page(url: str) -> str:
    return f"""<html><head><base href="{url}/"><link rel="stylesheet" href="{url}/a.css">
<meta http-equiv="refresh" content="0; url={url}"><script src="{url}"></script>
<style>@import url("{url}"); body {{ background: url({url}) }}</style></head><body>
<p>Words to keep.</p><img src="{url}" srcset="{url}/b.png 2x"><iframe src="{url}"></iframe>
<object data="{url}"></object><embed src="{url}"><video poster="{url}" src="{url}"></video>
<svg><image href="{url}"/><use href="{url}#a"/></svg><input type="image" src="{url}"></body>
</html>"""


def _xml(url: str) -> str:
    return (
        f'<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="{url}"?>'
        f'<!DOCTYPE r SYSTEM "{url}/a.dtd" [<!ENTITY x SYSTEM "{url}"><!ENTITY f SYSTEM '
        f'"file:///etc/passwd"><!ENTITY % p SYSTEM "{url}/b"> %p;]>'
        '<r xmlns:xi="http://www.w3.org/2001/XInclude" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xsi:noNamespaceSchemaLocation="{url}">Words to keep. &x;&f;<xi:include href="{url}"/>'
        '<xi:include href="file:///etc/passwd" parse="text"/></r>'
    )


def _markdown(url: str) -> str:
    return f"Words to keep. ![a]({url}) ![b][b] <{url}>\n\n[b]: {url}\n\n{_page(url)}"


def _rst(url: str) -> str:
    return f"""Words to keep.

.. image:: {url}

.. include:: /etc/passwd

.. raw:: html
   :url: {url}

.. raw:: html
   :file: /etc/passwd

.. csv-table::
   :url: {url}

.. csv-table::
   :file: /etc/passwd
"""


def _org(url: str) -> str:
    return (
        f'#+SETUPFILE: {url}\n#+INCLUDE: "{url}"\n#+INCLUDE: "/etc/passwd"\n#+BIBLIOGRAPHY: '
        f"/etc/passwd\n\nWords to keep. [[{url}/a.png]] [[file:/etc/passwd]]\n"
    )


def _rtf(url: str) -> str:
    return (
        rf"{{\rtf1{{\*\template {url}}}Words to keep."
        rf'{{\field{{\*\fldinst INCLUDEPICTURE "{url}"}}{{\fldrslt x}}}}'
        rf'{{\field{{\*\fldinst INCLUDETEXT "/etc/passwd"}}{{\fldrslt x}}}}'
        rf"{{\object\objautlink{{\*\objclass htmlfile}}{{\*\objdata {url.encode().hex()}}}}}}}"
    )


def _mail(url: str) -> str:
    body = f'Content-Type: message/external-body; access-type=URL; URL="{url}"\n\n\n'
    return (
        "Subject: Words\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n"
        f"Content-Type: text/html\n\n{_page(url)}\n--b\n{body}\n--b--\n"
    )


def _docx(url: str) -> bytes:
    plain = hostile.part_of(hostile.word(), "word/_rels/document.xml.rels").decode()
    field = f'<w:p><w:fldSimple w:instr="INCLUDEPICTURE {url}"/></w:p>'
    changed = {
        "word/_rels/document.xml.rels": plain.replace("</Relationships>", _relations(url)),
        "word/document.xml": hostile.document(field, f'<!DOCTYPE a SYSTEM "{url}">'),
    }
    return hostile.word(changed=changed)


def _xlsx(url: str) -> bytes:
    plain = hostile.part_of(hostile.sheet(""), "xl/_rels/workbook.xml.rels").decode()
    value = f'<f>WEBSERVICE("{url}")</f><v>Words to keep.</v>'
    cell = f'<row r="1"><c r="A1" t="str">{value}</c></row>'
    return hostile.sheet(
        cell, {"xl/_rels/workbook.xml.rels": plain.replace("</Relationships>", _relations(url))}
    )


def _pptx(url: str) -> bytes:
    data = hostile.slides("Words to keep.")
    part = "ppt/slides/_rels/slide1.xml.rels"
    plain = hostile.part_of(data, part).decode()
    return hostile.with_parts(data, {part: plain.replace("</Relationships>", _relations(url))})


def _odt(url: str) -> bytes:
    picture = f'<draw:frame><draw:image xlink:href="{url}"/></draw:frame>'
    section = f'<text:section><text:section-source xlink:href="{url}"/></text:section>'
    dtd = f'<!DOCTYPE a SYSTEM "{url}" [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    return hostile.open_text(f"<text:p>{picture}&x;</text:p>{section}", dtd)


def _pdf(url: str) -> bytes:
    place = f"<< /FS /URL /F ({url}) >>"
    uri = f"/S /URI /URI ({url})"
    script = f"/Next << /S /JavaScript /JS (app.launchURL('{url}')) >>"
    link = f"/Annots [<< /Type /Annot /Subtype /Link /Rect [0 0 595 842] /A << {uri} >> >>]"
    actions = f"/AA << /O << /S /SubmitForm /F {place} >> /C << /S /Launch /F {place} >> >>"
    picture = (
        "<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 "
        f"/ColorSpace /DeviceGray /F {place} /Length 0 >>\nstream\n\nendstream"
    )
    content = WORDS + b"/X Do"
    opening = f"/OpenAction << {uri} {script} >>"
    objects = page(content, more=f"{actions} {link}", catalog=opening)
    return pdf({**objects, 6: picture})


def _epub(url: str) -> bytes:
    return hostile.book(_xml(url).replace("<r ", "<html ").replace("</r>", "</html>"))


_MAKERS: dict[str, Callable[[str], str | bytes]] = {
    "page.html": _page,
    "feed.xml": _xml,
    "notes.md": _markdown,
    "notes.rst": _rst,
    "notes.org": _org,
    "letter.rtf": _rtf,
    "letter.eml": _mail,
    "letter.docx": _docx,
    "table.xlsx": _xlsx,
    "slides.pptx": _pptx,
    "letter.odt": _odt,
    "book.epub": _epub,
    "paper.pdf": _pdf,
}
NAMES = tuple(_MAKERS)


def leading_to(url: str, name: str) -> bytes:
    """The file of this name, with every way its format has to fetch something from `url`."""
    made = _MAKERS[name](url)
    return made.encode() if isinstance(made, str) else made
