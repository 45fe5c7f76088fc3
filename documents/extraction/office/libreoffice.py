"""Converts older office formats through LibreOffice, if it is installed.

It is loaded as a library (LibreOfficeKit) into the reader's process: that needs no second process,
no network and no socket, and all limits of the reader apply to it as well.
"""

import ctypes
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from documents.exceptions import CorruptFile, UnsupportedButHelpable, UnsupportedType
from tasks.exceptions import gettext_noop

# Where LibreOffice's builds keep the entry point: Debian's packages and the project's own.
_LIBRARIES = ("libmergedlo.so", "libsofficeapp.so")
# Indexes in the function tables of LibreOfficeKit.h, whose order is part of its ABI.
_LOAD_DOCUMENT = 2  # of the kit
_SAVE_AS = 2  # of a document
# No macros, no fetching of linked content, and a proxy that leads nowhere.
_PROFILE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Common/Security/Scripting">
<prop oor:name="DisableMacrosExecution" oor:op="fuse"><value>true</value></prop>
<prop oor:name="BlockUntrustedRefererLinks" oor:op="fuse"><value>true</value></prop></item>
<item oor:path="/org.openoffice.Inet/Settings">
<prop oor:name="ooInetProxyType" oor:op="fuse"><value>2</value></prop>
<prop oor:name="ooInetHTTPProxyName" oor:op="fuse"><value>127.0.0.1</value></prop>
<prop oor:name="ooInetHTTPProxyPort" oor:op="fuse"><value>9</value></prop></item>
</oor:items>
"""


@cache
def program_folder(program: str) -> str:
    """The installation folder of `program` (a path, or a name on the PATH).

    "" if it is missing, or has no library to load. Looked up once per process.
    """
    found = shutil.which(program) if program else None
    folder = Path(found).resolve().parent if found else None
    return str(folder) if folder and _library(folder) else ""


def _library(folder: Path) -> Path | None:
    return next((folder / name for name in _LIBRARIES if (folder / name).is_file()), None)


def convert(source: Path, ending: str, folder: str, work: Path) -> Path:
    """Convert the document to the format `ending` ("docx", "pptx"), in a file below `work`.

    Call it in its own process, once: LibreOffice can't be unloaded. Raises UnsupportedType without
    LibreOffice, CorruptFile if it can't read the file.
    """
    library = _library(Path(folder)) if folder else None
    if library is None:
        raise UnsupportedType
    target = work / f"converted.{ending}"
    kit = _kit(library, _profile(work))
    document = _method(kit, _LOAD_DOCUMENT, ctypes.c_void_p, 1)(kit, _url(source))
    if not document:
        raise CorruptFile
    _method(document, _SAVE_AS, ctypes.c_int, 3)(document, _url(target), ending.encode(), None)
    if not target.is_file():
        raise CorruptFile
    return target


def _profile(work: Path) -> Path:
    """A user profile, deleted with the folder."""
    user = work / "libreoffice" / "user"
    user.mkdir(parents=True)
    (user / "registrymodifications.xcu").write_text(_PROFILE)
    return user.parent


def _kit(library: Path, profile: Path) -> int:
    hook = ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL).libreofficekit_hook_2
    hook.restype, hook.argtypes = ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_char_p]
    kit: int | None = hook(str(library.parent).encode(), _url(profile))
    if kit is None:
        raise UnsupportedButHelpable(hint=gettext_noop("LibreOffice did not start"))
    return kit


def _method(thing: int, position: int, result: type, texts: int) -> Callable[..., Any]:
    """A function of a LibreOfficeKit object, whose first word points to its function table."""
    table = ctypes.cast(thing, ctypes.POINTER(ctypes.POINTER(ctypes.c_void_p))).contents
    address = table[position]
    return ctypes.CFUNCTYPE(result, ctypes.c_void_p, *[ctypes.c_char_p] * texts)(address)


def _url(path: Path) -> bytes:
    return path.resolve().as_uri().encode()
