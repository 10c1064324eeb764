"""What an SBML file may look like before any C code sees it.

A model file is untrusted input. libsbml builds its tree by recursion, so a file nested some thousand deep
would overflow its stack; entity declarations can make a small file huge. One pass of expat, which does not
recurse, checks the bytes against the limits below and refuses what exceeds them.
"""

from __future__ import annotations

import re
from typing import NoReturn
from xml.parsers import expat

from engager.core import InputError, Problem

MAX_BYTES = 32 * 2**20
MAX_DEPTH = 512
MAX_ELEMENTS = 1_000_000
MAX_NAME = 256
MAX_CHILDREN = 2_000  # of one element within mathematics
MAX_FORMULA = 10_000

_ENCODING = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_NAMES = ("id", "metaid", "variable", "symbol", "species", "compartment", "units", "conversionFactor")


def checked_text(content: str | bytes, where: str) -> str:
    """The file as text without its XML declaration, within the limits of this module.

    Parameters
    ----------
    content : the file's bytes, or its text.
    where : the file's name, for messages.

    Raises
    ------
    InputError
        When the content is no well-formed XML, declares entities or a document type, or is larger than
        `MAX_BYTES`, nested deeper than `MAX_DEPTH`, or has more elements than `MAX_ELEMENTS`.
    """
    if len(content) > MAX_BYTES:
        raise InputError(Problem(where, f"{len(content)} bytes", f"a model file may have at most {MAX_BYTES} bytes"))
    text = content if isinstance(content, str) else _decoded(content, where)
    text = _DECLARATION.sub("", text.removeprefix("\ufeff"), count=1).lstrip()
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise InputError(Problem(where, "text", f"a model file may have at most {MAX_BYTES} bytes"))
    _Scan(where).run(text)
    return text


def _decoded(content: bytes, where: str) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    else:
        found = _ENCODING.match(content)
        encoding = found.group(1).decode() if found else "utf-8"
    try:
        return content.decode(encoding)
    except (LookupError, UnicodeDecodeError, ValueError) as error:
        raise InputError(Problem(where, content[:40], f"must be text in its declared encoding ({error})")) from None


class _Scan:
    """Counts depth, elements and the length of names; stops at the first breach."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.depth = self.elements = 0
        self.children: list[int] = []  # counts of the open elements of a <math>
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.EntityDeclHandler = self._doctype

    def run(self, text: str) -> None:
        try:
            self.parser.Parse(text.encode("utf-8", "surrogatepass"), True)
        except expat.ExpatError as error:
            raise InputError(Problem(self.where, str(error), "must be well-formed XML")) from None

    def _refuse(self, value: object, rule: str) -> NoReturn:
        line = self.parser.CurrentLineNumber
        raise InputError(Problem(f"{self.where}: line {line}", value, rule))

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        self.elements += 1
        if self.depth > MAX_DEPTH:
            self._refuse(f"<{name}> at depth {self.depth}", f"elements may be nested {MAX_DEPTH} deep at most")
        if self.elements > MAX_ELEMENTS:
            self._refuse(self.elements, f"a model file may have at most {MAX_ELEMENTS} elements")
        if self.children:
            self.children[-1] += 1
            if self.children[-1] > MAX_CHILDREN:
                self._refuse(f"<{name}>", f"an element of a formula may hold at most {MAX_CHILDREN} others")
        if self.children or name.rsplit(":", 1)[-1] == "math":
            self.children.append(0)
        for key in _NAMES:
            if len(attributes.get(key, "")) > MAX_NAME:
                self._refuse(attributes[key], f"attribute {key} may have at most {MAX_NAME} characters")
        if len(attributes.get("formula", "")) > MAX_FORMULA:
            self._refuse("formula", f"a formula may have at most {MAX_FORMULA} characters")
        if attributes.get("formula", "").count("(") > MAX_DEPTH:
            self._refuse("formula", f"a formula may have at most {MAX_DEPTH} parentheses")

    def _end(self, name: str) -> None:
        self.depth -= 1
        if self.children:
            self.children.pop()

    def _doctype(self, name: str, *rest: object) -> None:
        self._refuse(name, "document types and entities are not allowed in a model file")
