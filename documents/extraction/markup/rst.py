"""Prepares reStructuredText for pandoc, which does not know Sphinx's extensions."""

import re

# Tables in other files, which must not be read: they would make pandoc fail.
_ELSEWHERE = re.compile(r"^([ \t]+:)(?=(?:file|url):)", re.MULTILINE)
# Descriptions of code objects. Pandoc drops the names of those in a domain ("py:function") and of
# classes, and takes asterisks in them for emphasis.
_OBJECT = re.compile(
    r"^([ \t]*\.\. )(?:[\w-]+:[\w:-]*?\w|class(?=:: .*[A-Z(.])|function|(?:class|static)?method"
    r"|attribute|data|decorator|exception|describe|object):: (.*)",
    re.MULTILINE | re.ASCII,
)
_MARKS = re.compile(r"[*`|_\\]")
_VERSIONS = {
    "versionadded": "Added in version",
    "versionchanged": "Changed in version",
    "versionremoved": "Removed in version",
    "deprecated": "Deprecated since version",
}
_VERSION = re.compile(rf"^([ \t]*\.\. )({'|'.join(_VERSIONS)}):: *(\S+)", re.MULTILINE)
# The lengths are limited to bound the time.
_TEXT = r":(?!(?:math|code|raw|su[bp]|literal):)[\w:.+-]{1,40}:`"
_TITLED = re.compile(rf"({_TEXT}[^`<\n]{{0,200}}[^`<\s])\s{{0,9}}<[^`<>]{{1,300}}>(?=`)", re.ASCII)
_SHORTENED = re.compile(rf"({_TEXT})[~!](?=[\w.])", re.ASCII)
_NUMBERED = re.compile(r":(pep|rfc):`(?=\d+`)")


def prepared(text: str) -> str:
    """The text rewritten so that pandoc keeps what a reader sees: names of functions and classes,
    versions ("new in"), and titles of references without their targets."""
    text = _ELSEWHERE.sub(r"\1no-", text)
    text = _OBJECT.sub(lambda it: f"{it[1]}object:: " + _MARKS.sub(r"\\\g<0>", it[2]), text)
    text = _VERSION.sub(lambda said: f"{said[1]}object:: {_VERSIONS[said[2]]} {said[3]}:", text)
    text = _SHORTENED.sub(r"\1", _TITLED.sub(r"\1", text))
    return _NUMBERED.sub(lambda kind: f"{kind[1].upper()} :literal:`", text)
