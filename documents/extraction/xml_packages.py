"""Office files and e-books: zips of XML parts that are linked by relationships."""

import posixpath
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from lxml import etree

from documents.exceptions import CorruptFile
from documents.extraction.trees import xml_tree

# "Strict" files only use other namespaces.
_STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/(\w+)(?=[\"'/])")
_USUAL = rb"http://schemas.openxmlformats.org/\1/2006/\2"
_RELATIONSHIP = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"


class Package:
    """An open zip whose parts are read as XML, without entities and without a network."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._names = {name.lower(): name for name in archive.namelist()}
        self._related: dict[str, dict[str, tuple[str, str]]] = {}  # asked for several times

    def xml(self, part: str) -> etree._Element | None:
        """The root of a part; None when there is no such part. Raises as `xml_tree` does."""
        data = self.bytes(part)
        if data is None:
            return None
        if b"http://purl.oclc.org/ooxml/" in data[:4096]:
            data = _STRICT.sub(_USUAL, data)
        return xml_tree(data)

    def bytes(self, part: str) -> bytes | None:
        name = self._names.get(part.lstrip("/").lower())
        return None if name is None else self._archive.read(name)

    def related(self, part: str) -> dict[str, tuple[str, str]]:
        """Relationship id -> (last word of its type, target part), for internal targets."""
        if part not in self._related:
            self._related[part] = self._links(part)
        return self._related[part]

    def _links(self, part: str) -> dict[str, tuple[str, str]]:
        folder, name = posixpath.split(part)
        root = self.xml(posixpath.join(folder, "_rels", f"{name}.rels"))
        if root is None:
            return {}
        return {
            link.get("Id", ""): (
                link.get("Type", "").rpartition("/")[2],
                posixpath.normpath(posixpath.join("/", folder, link.get("Target", ""))).lstrip("/"),
            )
            for link in root.iter(_RELATIONSHIP)
            if link.get("TargetMode") != "External"
        }

    def main_part(self) -> str:
        """The name of an office file's main part. Raises CorruptFile."""
        for kind, part in self.related("").values():
            if kind == "officeDocument":
                return part
        raise CorruptFile

    def related_of(self, part: str, *kinds: str) -> list[str]:
        """The targets of a part's relationships of these kinds, in the order they are listed."""
        return [target for kind, target in self.related(part).values() if kind in kinds]


def local_name(node: etree._Element) -> str:
    """The tag without its namespace; "" for comments and the like."""
    tag = node.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


@contextmanager
def opened(path: Path | BytesIO) -> Iterator[Package]:
    """The package in a file. Raises CorruptFile, also for errors while it is read."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield Package(archive)
    except (zipfile.BadZipFile, etree.XMLSyntaxError, EOFError, OSError) as error:
        raise CorruptFile from error
