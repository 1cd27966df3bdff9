"""What is read of files of every format, and what is said of files that are not what they should be."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parola.knowledge import formats
from parola.knowledge.formats import Extracted, Unreadable, extract, format_of
from tests.knowledge.files import archive, docx, epub, pdf

BILLION_LAUGHS = (
    "<!DOCTYPE x [" + "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(1, 9)) + '<!ENTITY a1 "ha">]>'
)
FILE_ENTITY = '<!DOCTYPE x [<!ENTITY file SYSTEM "file:///etc/passwd">]>'


def text_of(content: bytes, kind: str) -> str:
    return extract(content, kind).text


def test_a_page_is_what_can_be_seen_of_it() -> None:
    page = """<!doctype html><html><head><title> The
      Menu </title><style>p {}</style></head><body><nav hidden>Skip</nav>
      <h1>Today <em>only</em></h1><p>Soup &amp; bread.<br>Both   hot.</p><script>alert("<p>no</p>")</script>
      <ul><li>Onion<li>Leek</ul><table><tr><th>Dish<th>Price</tr><tr><td>Tart</td><td>4 €</td></tr></table>
      <div style="display: none">secret</div><pre>  a\n    b</pre><noscript>no</noscript></body>"""
    found = extract(page.encode(), "html")
    assert found.title == "The Menu"
    assert found.text == (
        "# Today only\n\nSoup & bread.\nBoth hot.\n\n- Onion\n- Leek\n\nDish | Price\n\nTart | 4 €\n\n  a\n    b"
    )


def test_text_comes_in_many_encodings() -> None:
    for name in ("utf-8", "utf-8-sig", "utf-16", "cp1252"):
        assert text_of("Grüße\r\n\r\n\r\nan alle".encode(name), "txt") == "Grüße\n\nan alle"
    page = '<meta charset="shift_jis"><p>日本語</p>'
    assert text_of(page.encode("shift_jis"), "html") == "日本語"
    assert extract("<p>日本語</p>".encode("euc_jp"), "html", "euc_jp").text == "日本語"
    assert text_of(b"caf\xe9 <meta charset=nonsense>", "html") == "café"


def test_a_word_document_keeps_its_headings_lists_and_tables() -> None:
    body = """<w:p><w:pPr><w:pStyle w:val="Heading2"/></w:pPr><w:r><w:t>Menu</w:t></w:r></w:p>
      <w:p><w:r><w:t>Onion </w:t></w:r><w:r><w:t>soup</w:t><w:tab/><w:t>hot</w:t></w:r>
        <w:del><w:r><w:t>gone</w:t></w:r></w:del></w:p>
      <w:p><w:pPr><w:numPr/></w:pPr><w:r><w:t>one</w:t></w:r></w:p>
      <w:p><w:pPr><w:numPr/></w:pPr><w:r><w:t>two</w:t></w:r></w:p>
      <w:tbl><w:tr><w:tc><w:p><w:r><w:t>Tart</w:t></w:r></w:p></w:tc>
        <w:tc><w:p><w:r><w:t>4 €</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"""
    assert text_of(docx(body), "docx") == "## Menu\n\nOnion soup hot\n\n- one\n- two\n\nTart | 4 €"


def test_a_book_is_read_in_its_order() -> None:
    found = extract(epub({"b.xhtml": "<h1>First</h1><p>One", "a.xhtml": "<h1>Second</h1>"}), "epub")
    assert found == Extracted("# First\n\nOne\n\n# Second", "The Book")


def test_a_pdf_is_read_page_by_page() -> None:
    found = extract(pdf("Onion soup", "Leek tart"), "pdf")
    assert (found.text, found.pages) == ("Onion soup\n\nLeek tart", 2)


@pytest.mark.parametrize(
    ("filename", "mime_type", "kind"),
    [
        ("menu.PDF", "", "pdf"),
        ("menu.htm", "text/plain", "html"),
        ("menu", "text/markdown; charset=utf-8", "md"),
        ("", "application/epub+zip", "epub"),
        ("menu.v2", "application/pdf", "pdf"),
        ("menu.exe", "text/plain", None),
        ("menu", "image/png", None),
        ("", "", None),
    ],
)
def test_the_format_is_told_by_the_name_then_by_the_type(filename: str, mime_type: str, kind: str | None) -> None:
    if kind is not None:
        assert format_of(filename, mime_type) == kind
        return
    with pytest.raises(Unreadable, match="Expected a TXT, MD, HTML, PDF, DOCX or EPUB file"):
        format_of(filename, mime_type)


@pytest.mark.parametrize(
    ("content", "kind", "said"),
    [
        (b"%PDF-1.7 nothing more", "pdf", "damaged"),
        (pdf("Soup", password="secret"), "pdf", "without a password"),
        (pdf(""), "pdf", "pictures of text"),
        (b"PK\x03\x04", "pdf", "something else"),
        (b"%PDF-1.7", "txt", "something else"),
        (b"\0\1\2\3", "md", "something else"),
        (b"plain text", "docx", "something else"),
        (b"PK\x03\x04 cut short", "docx", "archive is damaged"),
        (archive({"other.xml": "x"}), "docx", "without word/document.xml"),
        (docx("<w:p>"), "docx", "XML is damaged"),
        (docx("", BILLION_LAUGHS), "docx", "entity declarations"),
        (docx("&file;", FILE_ENTITY), "docx", "entity declarations"),
        (docx("<w:p>" * 600), "docx", "nested deeper"),
        (docx(""), "docx", "with text"),
        (epub({"a.xhtml": "<p>x"}, package=BILLION_LAUGHS + "<package/>"), "epub", "entity declarations"),
        (archive({"META-INF/container.xml": "<container/>"}), "epub", "names no rootfile"),
        (b" \n ", "txt", "with text"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(content: bytes, kind: str, said: str) -> None:
    with pytest.raises(Unreadable, match=said) as error:
        extract(content, kind)
    assert str(error.value).startswith("Expected")


def test_an_archive_unpacks_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "MOST_UNPACKED_BYTES", 100_000)
    with pytest.raises(Unreadable, match="unpacks to at most 100000 bytes"):
        extract(docx(f"<w:p><w:r><w:t>{'a' * 1_000_000}</w:t></w:r></w:p>"), "docx")
    # All parts together, and whatever the archive says of their sizes.
    with pytest.raises(Unreadable, match="unpacks to at most"):
        extract(epub({f"{n}.xhtml": "<p>" + "b" * 30_000 for n in range(9)}), "epub")


def test_an_archive_has_so_many_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "MOST_ENTRIES", 10)
    with pytest.raises(Unreadable, match="at most 10 parts"):
        extract(archive({str(n): "" for n in range(11)}), "epub")


def test_a_document_has_so_many_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "MOST_CHARACTERS", 50)
    made = (("txt", b"a" * 51), ("pdf", pdf("a" * 30, "b" * 30)), ("epub", epub({"a": "a" * 30, "b": "b" * 30})))
    for kind, content in made:
        with pytest.raises(Unreadable, match="at most 50 characters"):
            extract(content, kind)


def test_a_chapter_outside_the_archive_is_not_read() -> None:
    package = '<package><item id="a" href="../../../../etc/passwd"/><itemref idref="a"/></package>'
    with pytest.raises(Unreadable, match="with text"):
        extract(epub({}, package=package), "epub")


SEEDS = {
    "html": b"<h1>Menu</h1><p>Soup <b>hot</b><ul><li>one</ul><table><tr><td>a</table><pre>b</pre>",
    "txt": "Grüße an alle".encode(),
    "pdf": pdf("Onion soup", "Leek tart"),
    "docx": docx("<w:p><w:r><w:t>Menu</w:t></w:r></w:p><w:tbl><w:tr><w:tc><w:p/></w:tc></w:tr></w:tbl>"),
    "epub": epub({"a.xhtml": "<p>One"}),
}


@given(kind=st.sampled_from(sorted(SEEDS)), changes=st.data())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_damaged_file_is_read_or_refused(kind: str, changes: st.DataObject) -> None:
    """Cut short, with bytes changed, doubled or put in: either some text, or a sentence that says what is wrong."""
    content = bytearray(SEEDS[kind])
    for _ in range(changes.draw(st.integers(1, 5))):
        place = changes.draw(st.integers(0, len(content)))
        match changes.draw(st.sampled_from(["cut", "put in", "change", "double"])):
            case "cut":
                del content[place:]
            case "put in":
                content[place:place] = changes.draw(st.binary(max_size=8))
            case "change":
                content[place : place + 4] = changes.draw(st.binary(min_size=4, max_size=4))
            case "double":
                content[place:place] = content[: place + 16]
    try:
        found = extract(bytes(content), kind)
    except Unreadable as error:
        assert str(error).startswith("Expected")
    else:
        assert found.text.strip() and "\0" not in found.text
        found.text.encode()


@given(content=st.binary(max_size=300), kind=st.sampled_from(formats.FORMATS))
@settings(max_examples=300, deadline=None)
def test_bytes_of_any_kind_are_read_or_refused(content: bytes, kind: str) -> None:
    starts = {"pdf": b"%PDF-1.4\n", "docx": b"PK\x03\x04", "epub": b"PK\x03\x04"}
    try:
        assert extract(starts.get(kind, b"") + content, kind).text
    except Unreadable as error:
        assert str(error).startswith("Expected")
