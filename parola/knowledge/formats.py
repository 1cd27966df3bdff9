"""The text of a document, out of the bytes of a file: what ``extraction`` runs in a process of its own.

Every format becomes the same plain Markdown: paragraphs with an empty line between them, headings with ``#``, list
items with ``-``, the cells of a table row with ``|``. Files come from strangers, so nothing here trusts what they say
of themselves: unpacked bytes, characters, entries and depths are counted, and XML may declare no entities. Time and
memory are bounded by whoever runs it. Whatever is wrong with a file raises ``Unreadable``.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any, Final
from urllib.parse import unquote
from xml.parsers import expat

MOST_FILE_BYTES: Final = 20 * 1024 * 1024
MOST_CHARACTERS: Final = 5_000_000
"""Of one document's text."""

MOST_UNPACKED_BYTES: Final = 100 * 1024 * 1024
"""Of what is read of one archive."""
MOST_ENTRIES: Final = 10_000
MOST_PAGES: Final = 5_000
MOST_DEPTH: Final = 500
"""Of elements in an XML document."""

FORMATS: Final = ("txt", "md", "html", "pdf", "docx", "epub")

_BY_ENDING = {"htm": "html", "xhtml": "html", "markdown": "md", "text": "txt"}
_BY_TYPE = {
    "text/plain": "txt",
    "text/markdown": "md",
    "text/x-markdown": "md",
    "text/html": "html",
    "application/xhtml+xml": "html",
    "application/pdf": "pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/epub+zip": "epub",
}
_DOCX_MAIN = "word/document.xml"
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main "
_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)


class Unreadable(Exception):
    """The file is not what it should be; the message says what was expected and what came."""


@dataclass(frozen=True, slots=True)
class Extracted:
    text: str
    """Markdown."""
    title: str = ""
    """What the document calls itself."""
    pages: int | None = None
    """Where the format has pages."""


def format_of(filename: str, mime_type: str = "") -> str:
    """One of ``FORMATS``, by the ending of the name, or by the type when the name has none that is known. Raises
    ``Unreadable``."""
    ending = posixpath.splitext(filename.lower())[1].lstrip(".")
    known = _BY_ENDING.get(ending, ending)
    if known in FORMATS:
        return known
    by_type = _BY_TYPE.get(mime_type.partition(";")[0].strip().lower())
    if by_type is not None and (not ending or by_type not in ("txt",)):
        return by_type
    what = f'"{filename[-80:]}"' + (f" of type {mime_type[:80]}" if mime_type else "")
    raise Unreadable(f"Expected a TXT, MD, HTML, PDF, DOCX or EPUB file, got {what}.")


def extract(content: bytes, kind: str, charset: str = "") -> Extracted:
    """The text of a file of this format. ``charset`` is what the server that sent it said. Raises ``Unreadable``."""
    if len(content) > MOST_FILE_BYTES:
        raise Unreadable(f"Expected a file of at most {MOST_FILE_BYTES} bytes, got {len(content)}.")
    _check_looks_like(content, kind)
    match kind:
        case "html":
            found = html_text(decoded(content, charset or _declared(content)))
        case "pdf":
            found = _pdf(content)
        case "docx":
            found = _docx(content)
        case "epub":
            found = _epub(content)
        case _:
            found = Extracted(_tidy(decoded(content, charset)))
    if len(found.text) > MOST_CHARACTERS:
        raise Unreadable(f"Expected a document of at most {MOST_CHARACTERS} characters, got {len(found.text)}.")
    if not found.text:
        hint = " It may hold pictures of text only." if kind == "pdf" else ""
        raise Unreadable(f"Expected a document with text, found none in this {kind.upper()} file.{hint}")
    return found


def _check_looks_like(content: bytes, kind: str) -> None:
    """Raises when a file is plainly of another format than its name says."""
    if kind == "pdf":
        is_it = b"%PDF-" in content[:1024]
    elif kind in ("docx", "epub"):
        is_it = content.startswith(b"PK")
    else:
        head = content[:4096]
        is_wide = head.startswith((b"\xff\xfe", b"\xfe\xff"))
        is_it = is_wide or (b"\0" not in head and not head.startswith((b"%PDF-", b"PK\x03\x04")))
    if not is_it:
        raise Unreadable(f"Expected a {kind.upper()} file, by its name; what came is something else.")


def decoded(content: bytes, charset: str = "") -> str:
    """Text of whatever encoding: by its mark, as said, UTF-8, else Windows-1252, which any bytes can be."""
    marks = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
    marked = next((name for mark, name in marks if content.startswith(mark)), None)
    for name in (marked, charset, "utf-8"):
        if name:
            try:
                return content.decode(name).replace("\0", "")
            except (LookupError, ValueError):
                continue
    return content.decode("cp1252", "replace").replace("\0", "")


def _declared(content: bytes) -> str:
    found = _CHARSET.search(content[:2048])
    return found[1].decode("ascii") if found else ""


def _tidy(text: str) -> str:
    """Line ends as on Unix, no trailing spaces, at most one empty line in a row; nothing that a database refuses."""
    text = text.encode("utf-8", "replace").decode()
    lines = (line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    kept: list[str] = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    return "\n".join(kept).strip("\n")


class _Blocks:
    """Paragraphs, headings and list items, put together as they come."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._after_item = False

    def add(self, prefix: str, said: str) -> None:
        """List items follow each other without an empty line."""
        is_item = prefix == "- "
        if self._pieces:
            self._pieces.append("\n" if is_item and self._after_item else "\n\n")
        self._pieces += (prefix, said)
        self._after_item = is_item

    def text(self) -> str:
        return _tidy("".join(self._pieces))


# -- HTML -------------------------------------------------------------------------------------------------------------

_UNSEEN = frozenset({"script", "style", "noscript", "template", "svg", "math", "iframe", "object", "head", "select"})
_VOID = frozenset({"br", "hr", "img", "input", "meta", "link", "area", "base", "col", "embed", "source", "wbr"})
_BLOCKS = frozenset(
    """address article aside blockquote body dd details dialog div dl dt fieldset figcaption figure footer form header
    hgroup hr html main menu nav ol p pre section summary table tbody tfoot thead title ul""".split()
)
_HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)}


class _Page(HTMLParser):
    """Collects what can be seen of a page, block by block."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks = _Blocks()
        self.title = ""
        self._line: list[str] = []
        self._prefix = ""
        self._unseen: list[str] = []
        """Open elements that are not shown, the outermost first."""
        self._in_title = False
        self._pre = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        is_hidden = "hidden" in given or (given.get("aria-hidden") or "").lower() == "true"
        is_hidden = is_hidden or "display:none" in (given.get("style") or "").lower().replace(" ", "")
        if tag == "title" and not self.title:
            self._in_title = True
        elif self._unseen or tag in _UNSEEN or is_hidden:
            if tag == "body" and self._unseen == ["head"]:  # a head that nobody closed
                self._unseen.clear()
            elif tag not in _VOID and len(self._unseen) < MOST_DEPTH:
                self._unseen.append(tag)
        elif tag == "br":
            self._line.append("\n")
        elif tag in _HEADINGS:
            self._block(_HEADINGS[tag])
        elif tag == "li":
            self._block("- ")
        elif tag == "tr":
            self._block()
        elif tag in ("td", "th"):
            if "".join(self._line).strip():
                self._line.append(" | ")
        elif tag in _BLOCKS:
            self._block(self._prefix if not self._line else "")
            self._pre += tag == "pre"

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False
        elif self._unseen:
            # An element that was never closed ends with one around it.
            if tag in self._unseen:
                while self._unseen.pop() != tag:
                    pass
        elif tag in _HEADINGS or tag in ("li", "tr") or tag in _BLOCKS:
            self._block()
            if tag == "pre" and self._pre:
                self._pre -= 1

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data
        elif not self._unseen:
            self._line.append(data if self._pre else re.sub(r"\s+", " ", data))

    def close(self) -> None:
        super().close()
        self._block()

    def _block(self, prefix: str = "") -> None:
        """End the block that is being written; the next one begins with ``prefix``."""
        said = "".join(self._line)
        if not self._pre:
            said = "\n".join(re.sub(r" {2,}", " ", line).strip() for line in said.split("\n"))
        said = said.strip("\n").rstrip()
        if said.strip():
            if self._prefix.startswith("#"):
                said = " ".join(said.split())
            self.blocks.add(self._prefix, said)
        self._line.clear()
        self._prefix = prefix


def html_text(html: str) -> Extracted:
    """What can be seen of a page: no scripts, no styles, nothing hidden."""
    page = _Page()
    try:
        page.feed(html)
        page.close()
    except (AssertionError, RecursionError) as error:  # the parser's own answers to nonsense
        raise Unreadable(f"Expected an HTML file, got one that cannot be read: {error}.") from None
    return Extracted(page.blocks.text(), " ".join(page.title.split())[:300])


# -- PDF --------------------------------------------------------------------------------------------------------------


def _pdf(content: bytes) -> Extracted:
    import logging

    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted and not reader.decrypt(""):
            raise Unreadable("Expected a PDF that opens without a password; this one is encrypted.")
        pages = len(reader.pages)
        if pages > MOST_PAGES:
            raise Unreadable(f"Expected a PDF of at most {MOST_PAGES} pages, got {pages}.")
        texts: list[str] = []
        characters = 0
        for page in reader.pages:
            texts.append(page.extract_text())
            characters += len(texts[-1])
            if characters > MOST_CHARACTERS:
                raise Unreadable(f"Expected a document of at most {MOST_CHARACTERS} characters, got more.")
        title = str(reader.metadata.title or "") if reader.metadata else ""
    except Unreadable:
        raise
    except MemoryError:
        raise
    # What a broken file makes a PDF reader raise has no end: KeyError, AttributeError, RecursionError, zlib.error …
    except (PyPdfError, Exception) as error:
        raise Unreadable(f"Expected a PDF that can be read; it is damaged ({type(error).__name__}).") from None
    return Extracted(_tidy("\n\n".join(texts)), title.strip()[:300], pages)


# -- archives of XML --------------------------------------------------------------------------------------------------


class _Archive:
    """A ZIP file, read with a limit on all that comes out of it."""

    def __init__(self, content: bytes, what: str) -> None:
        self._what = what
        self._left = MOST_UNPACKED_BYTES
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
            self._entries = {entry.filename: entry for entry in self._zip.infolist()}
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, RuntimeError) as error:
            raise Unreadable(f"Expected a {what} file; its archive is damaged ({type(error).__name__}).") from None
        if len(self._zip.filelist) > MOST_ENTRIES:
            raise Unreadable(f"Expected at most {MOST_ENTRIES} parts in a {what} file, got {len(self._entries)}.")

    def read(self, name: str) -> bytes | None:
        """One part, or None. What the archive says of its size is not believed: bytes are counted as they come."""
        import lzma
        import zlib

        entry = self._entries.get(name)
        if entry is None:
            return None
        if entry.flag_bits & 1:
            raise Unreadable(f"Expected a {self._what} file that opens without a password; this one is encrypted.")
        try:
            with self._zip.open(entry) as part:
                found = part.read(self._left + 1)
        except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError, OSError, RuntimeError) as error:
            raise Unreadable(
                f"Expected a {self._what} file; its part {name[:80]!r} is damaged ({type(error).__name__})."
            ) from None
        self._left -= len(found)
        if self._left < 0:
            raise Unreadable(f"Expected a {self._what} file that unpacks to at most {MOST_UNPACKED_BYTES} bytes.")
        return found

    def need(self, name: str) -> bytes:
        found = self.read(name)
        if found is None:
            raise Unreadable(f"Expected a {self._what} file, got an archive without {name[:80]}.")
        return found


def _xml(content: bytes, what: str, on_start: Any, on_end: Any, on_text: Any = None) -> None:
    """Read XML piece by piece: names are ``namespace name``. Entities are refused, so none can grow."""
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MOST_DEPTH:
            raise Unreadable(f"Expected a {what} file; its XML is nested deeper than {MOST_DEPTH}.")
        on_start(name, attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        on_end(name)

    def refuse(*_: Any) -> Any:
        raise Unreadable(f"Expected a {what} file without entity declarations in its XML.")

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = on_text
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    parser.buffer_text = True
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise Unreadable(f"Expected a {what} file; its XML is damaged: {error}.") from None


def _docx(content: bytes) -> Extracted:
    archive = _Archive(content, "DOCX")
    reading = _Word()
    _xml(archive.need(_DOCX_MAIN), "DOCX", reading.start, reading.end, reading.data)
    return Extracted(reading.blocks.text())


class _Word:
    """Collects the paragraphs, headings, list items and table rows of a Word document."""

    def __init__(self) -> None:
        self.blocks = _Blocks()
        self._text: list[str] = []
        self._prefix = ""
        self._is_text = False
        self._deleted = 0
        self._cells: list[list[str]] = []
        """Of the rows that are open, tables within tables included."""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        match name.removeprefix(_WORD):
            case "p":
                self._text, self._prefix = [], ""
            case "pStyle":
                style = attributes.get(_WORD + "val", "").lower().replace(" ", "")
                level = style.removeprefix("heading").removeprefix("berschrift").removeprefix("überschrift")
                if style == "title":
                    self._prefix = "# "
                elif level != style and level.isdigit():
                    self._prefix = "#" * min(max(int(level[:2]), 1), 6) + " "
            case "numPr":
                self._prefix = self._prefix or "- "
            case "t":
                self._is_text = True
            case "tab":
                self._text.append(" ")
            case "br" | "cr":
                self._text.append("\n")
            case "del" | "moveFrom":
                self._deleted += 1
            case "tr":
                self._cells.append([])
            case "tc" if self._cells:
                self._cells[-1].append("")

    def end(self, name: str) -> None:
        match name.removeprefix(_WORD):
            case "t":
                self._is_text = False
            case "del" | "moveFrom":
                self._deleted -= 1
            case "p":
                self._paragraph("".join(self._text).strip())
                self._text = []
            case "tr" if self._cells:
                row = " | ".join(cell for cell in self._cells.pop() if cell)
                self._paragraph(row)

    def data(self, data: str) -> None:
        if self._is_text and not self._deleted:
            self._text.append(data)

    def _paragraph(self, said: str) -> None:
        if not said:
            return
        if self._cells and self._cells[-1]:
            cell = self._cells[-1][-1]
            self._cells[-1][-1] = f"{cell} {said}" if cell else said
            return
        self.blocks.add(self._prefix, said)
        self._prefix = ""


def _epub(content: bytes) -> Extracted:
    archive = _Archive(content, "EPUB")
    if archive.read("META-INF/encryption.xml") is not None and archive.read("META-INF/rights.xml") is not None:
        raise Unreadable("Expected an EPUB without copy protection; this one is encrypted.")
    package = _first(archive.need("META-INF/container.xml"), "rootfile", "full-path")
    chapters: list[str] = []
    characters = 0
    title, paths = _spine(archive.need(package), posixpath.dirname(package))
    for path in paths:
        chapter = archive.read(path)
        if chapter is not None:
            chapters.append(html_text(decoded(chapter)).text)
            characters += len(chapters[-1])
            if characters > MOST_CHARACTERS:
                raise Unreadable(f"Expected a document of at most {MOST_CHARACTERS} characters, got more.")
    return Extracted(_tidy("\n\n".join(filter(None, chapters))), title)


def _first(content: bytes, element: str, attribute: str) -> str:
    found: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        if name.rpartition(" ")[2] == element and attributes.get(attribute):
            found.append(attributes[attribute])

    _xml(content, "EPUB", start, lambda _: None)
    if not found:
        raise Unreadable(f"Expected an EPUB file; it names no {element}.")
    return found[0]


def _spine(content: bytes, folder: str) -> tuple[str, Iterator[str]]:
    """An EPUB's title, and the paths of its chapters in the order of reading."""
    items: dict[str, str] = {}
    order: list[str] = []
    title: list[str] = []
    in_title = False

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal in_title
        match name.rpartition(" ")[2]:
            case "item":
                items[attributes.get("id", "")] = attributes.get("href", "")
            case "itemref":
                order.append(attributes.get("idref", ""))
            case "title":
                in_title = not title

    def end(name: str) -> None:
        nonlocal in_title
        in_title = in_title and name.rpartition(" ")[2] != "title"

    def text(said: str) -> None:
        if in_title:
            title.append(said)

    _xml(content, "EPUB", start, end, text)
    hrefs = (unquote(items[name].partition("#")[0]) for name in dict.fromkeys(order) if items.get(name))
    return "".join(title).strip()[:300], (posixpath.normpath(posixpath.join(folder, href)) for href in hrefs)
