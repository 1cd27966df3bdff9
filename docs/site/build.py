"""Builds the documentation: ``python docs/site/build.py OUT``; ``make docs`` does it into ``parola/site/built``.

The pages are ``docs/*.md`` as they are, and those of the API, made from what the application says of itself. Zensical
turns them into HTML; a link that leads nowhere, a page that the navigation (``zensical.toml``) leaves out, and anything
that a browser would load from another host make the build fail. Beside the HTML lie the pages as Markdown, and
``llms.txt`` and ``llms-full.txt`` for those who read all of it at once.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

import api_pages  # noqa: E402

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
CONFIG = Path(__file__).parent / "zensical.toml"

AT = "/docs/"
"""Where the server has the pages."""

ALSO = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "examples/README.md": "examples.md",
    "bench/listening/README.md": "bench-voice.md",
}
"""Files outside ``docs/`` that are linked to, and the pages that they are here. ``docs/index.md`` stands for the
readme."""

LANGUAGES = {".py": "python", ".mjs": "js"}

API_NAVIGATION = "@api"
DECISIONS_NAVIGATION = "@decisions"
"""They stand in the navigation for the generated pages, and for everything in ``docs/decisions``."""

SUMMARY = "Parola is a self-hosted server for voice and chat agents that speaks the ElevenLabs Agents protocol."


class DocsError(Exception):
    """Something that a reader would stumble over; the message says where it is."""


def build(out: Path) -> None:
    """Write the documentation to ``out``, replacing what is there. Raises ``DocsError``."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        pages = project / "docs"
        shutil.copytree(DOCS, pages, ignore=shutil.ignore_patterns("site"))
        for page in list(pages.rglob("*.md")):
            page.write_text(_inside(DOCS / page.relative_to(pages)), encoding="utf-8")
        for source, name in list(ALSO.items())[1:]:
            (pages / name).write_text(_inside(ROOT / source), encoding="utf-8")
        with (pages / "examples.md").open("a", encoding="utf-8") as examples:
            examples.write("".join(_sources(ROOT / "examples")))
        shutil.copytree(Path(__file__).parent / "assets", pages / "assets")
        generated = api()
        for name, text in generated.items():
            (pages / name).parent.mkdir(exist_ok=True)
            (pages / name).write_text(text, encoding="utf-8")
        navigation = _configured(project, generated)
        _lists_begin_after_a_blank_line(pages)
        _zensical(project)
        site = project / "site"
        _scripts_are_files(site)
        _readers_hear_what_others_see(site)
        _links_lead_somewhere(site)
        _guides_are_found_first(site)
        for page in pages.rglob("*.md"):
            shutil.copyfile(page, site / page.relative_to(pages))
        _texts(pages, navigation, site)
        _compress(site)
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(site, out)


def api() -> api_pages.Pages:
    """The pages of the API, from the application."""
    from parola.api.access import rule_of
    from parola.api.asyncapi import document
    from parola.api.rest import rest
    from parola.app import create_app
    from parola.config import Settings

    app = rest(create_app(Settings(ephemeral=True)).state.services)
    described = app.openapi()
    scopes = {
        (method, route.path_format): rule_of(route).scope
        for route in app.routes
        if hasattr(route, "path_format")
        for method in getattr(route, "methods", None) or ()
    }
    reference = api_pages.Reference(described, scopes)
    return {
        **reference.pages(),
        "api/agent-fields.md": reference.fields_of("CreateAgentRequest", "Agent fields", AGENT_FIELDS),
        "api/socket.md": api_pages.socket_page(document()),
    }


AGENT_FIELDS = """Everything that an agent's JSON may say and this server reads, with its default. Other fields are kept
and given back as they came. `parola lint` says what would go wrong."""


# -- before ---------------------------------------------------------------------------------------------------------


def _inside(source: Path) -> str:
    """The text of a file, its links as they are among the pages."""

    def moved(link: re.Match[str]) -> str:
        target, hash_, anchor = link[1].partition("#")
        if not target or "://" in target or target.startswith("mailto:"):
            return link[0]
        place = Path(os.path.normpath(source.parent / target))
        if not place.exists():
            raise DocsError(f"{source.relative_to(ROOT)} links to {target}, which is not there")
        place = place / "README.md" if (place / "README.md").is_file() else place
        own = str(place.relative_to(DOCS)) if place.is_relative_to(DOCS) else ""
        name = ALSO.get(str(place.relative_to(ROOT)), own)
        name = f"{name}/index.md" if place.is_dir() and name else name
        if not name:
            raise DocsError(f"{source.relative_to(ROOT)} links to {target}, which is no page: put it into ALSO")
        return f"]({os.path.relpath(name, here)}{hash_}{anchor})"

    own = ALSO.get(str(source.relative_to(ROOT)))
    here = Path() if own else source.parent.relative_to(DOCS)
    return re.sub(r"\]\(([^)\s]+)\)", moved, source.read_text(encoding="utf-8"))


def _sources(folder: Path) -> Iterator[str]:
    """The programs of a folder, to be read below its readme."""
    for file in sorted(folder.iterdir()):
        if file.suffix in LANGUAGES:
            source = file.read_text(encoding="utf-8").strip()
            yield f"\n\n## `{file.name}`\n\n```{LANGUAGES[file.suffix]}\n{source}\n```\n"


def _configured(project: Path, generated: api_pages.Pages) -> list[Any]:
    """Writes the configuration with the generated pages in its navigation; answers with that navigation."""
    text = CONFIG.read_text(encoding="utf-8")
    entries = ", ".join(
        f'{{"{page.partition(chr(10))[0].removeprefix("# ")}" = "{name}"}}'
        for name, page in generated.items()
        if f'"{name}"' not in text
    )
    decisions = sorted((project / "docs" / "decisions").glob("*.md"))
    listed_decisions = ", ".join(f'{{"{_title(page)}" = "decisions/{page.name}"}}' for page in decisions)
    text = text.replace(f'"{API_NAVIGATION}"', entries).replace(f'"{DECISIONS_NAVIGATION}"', listed_decisions)
    (project / "zensical.toml").write_text(text, encoding="utf-8")
    navigation: list[Any] = tomllib.loads(text)["project"]["nav"]
    listed = {name for _, name in leaves(navigation)}
    there = {str(page.relative_to(project / "docs")) for page in (project / "docs").rglob("*.md")}
    if listed - there:
        raise DocsError(f"docs/site/zensical.toml names {', '.join(sorted(listed - there))}, which is not there")
    if there - listed:
        raise DocsError(f"docs/site/zensical.toml has no place for {', '.join(sorted(there - listed))}")
    return navigation


def _title(page: Path) -> str:
    return page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ").replace('"', "'")


def leaves(navigation: Any, title: str = "") -> Iterator[tuple[str, str]]:
    """Title and file of every page in a navigation."""
    match navigation:
        case str(name):
            yield title, name
        case list(entries):
            for entry in entries:
                yield from leaves(entry, title)
        case dict(entries):
            for name, inner in entries.items():
                yield from leaves(inner, name)


def _lists_begin_after_a_blank_line(pages: Path) -> None:
    """Markdown as it is read here makes one paragraph of a list that follows a line of text at once."""
    item = re.compile(r"([-*]|\d+\.) \S")
    for page in sorted(pages.rglob("*.md")):
        before, is_code = "", False
        for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
            is_code ^= line.startswith("```")
            follows_text = before.strip() and not before.startswith((" ", "#")) and not item.match(before)
            if not is_code and item.match(line) and follows_text:
                raise DocsError(f"{page.relative_to(pages)}:{number}: a list begins without a blank line before it")
            before = line


def _zensical(project: Path) -> None:
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict"]
    environment = {**os.environ, "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        said = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
        raise DocsError(said.partition("Traceback")[0].strip())


# -- afterwards -----------------------------------------------------------------------------------------------------


def _scripts_are_files(site: Path) -> None:
    """Scripts that stand in a page become files: the server's policy for browsers allows no others."""
    scripts = site / "assets"
    inline = re.compile(r"<script>(.*?)</script>", re.DOTALL)

    for page in site.rglob("*.html"):
        up = "../" * (len(page.relative_to(site).parts) - 1)
        text = page.read_text(encoding="utf-8")
        if page.name == "404.html":  # it is shown at any address, so its links begin at the root
            text = re.sub(r'((?:href|src)=|"(?:base|search)":)"/(?!/)', rf'\1"{AT}', text)
            up = AT

        def as_file(found: re.Match[str], up: str = up) -> str:
            name = f"inline.{hashlib.sha256(found[1].encode()).hexdigest()[:8]}.js"
            (scripts / name).write_text(found[1], encoding="utf-8")
            return f'<script src="{up}assets/{name}"></script>'

        text = inline.sub(as_file, text)
        text = re.sub(r'\n\s*<link rel="(?:canonical|preconnect)"[^>]*>', "", text)
        page.write_text(text, encoding="utf-8")


def _readers_hear_what_others_see(site: Path) -> None:
    """What screen readers say: parts of the navigation have the names of their sections, a cell without a text is no
    heading, and the button that copies a block of code is no navigation."""
    title = re.compile(r'<label class="md-nav__title" for="(__nav_[\d_]+)">\s*<span[^>]*></span>\s*([^<]+?)\s*</label>')
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        for section, name in title.findall(text):
            text = text.replace(f'aria-labelledby="{section}_label"', f'aria-label="{name}"')
        page.write_text(re.sub(r"<th([^>]*)></th>", r"<td\1></td>", text), encoding="utf-8")
    made, better = '("nav",{class:"md-code__nav"}', '("div",{class:"md-code__nav"}'
    (script,) = site.glob("assets/javascripts/bundle.*.js")
    text = script.read_text(encoding="utf-8")
    if text.count(made) != 1:
        raise DocsError(f"{script.relative_to(site)} does not make the buttons of code as it did: expected {made} once")
    script.write_text(text.replace(made, better), encoding="utf-8")


FOUND_LAST = ("api/", "decisions/", "contributing.")
NOT_FOUND = "changelog."
SHAPE_LEVEL = 3


def _guides_are_found_first(site: Path) -> None:
    """A search shows first what has the word in its title, the earlier the better, and of these what comes first in the
    index. So guides come first there, pages of the API have a word before their title, and a shape is found by its name
    in the text. The changelog names everything and explains nothing: it is not searched."""
    index = site / "search.json"
    found = json.loads(index.read_text(encoding="utf-8"))
    items = [item for item in found["items"] if not item["location"].startswith(NOT_FOUND)]
    for item in items:
        if not item["location"].startswith("api/"):
            continue
        if item["level"] >= SHAPE_LEVEL:
            item["text"] = f"<p><code>{item['title']}</code></p> {item['text']}"
            item["title"] = "In detail"
        elif item["level"] == 1:
            item["title"] = f"Reference: {item['title']}"
    found["items"] = sorted(items, key=lambda item: item["location"].startswith(FOUND_LAST))
    index.write_text(json.dumps(found, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Addresses:
    """What a page of HTML links to, loads, and can be pointed into."""

    links: tuple[str, ...]
    loads: tuple[str, ...]
    anchors: frozenset[str]


TAG = re.compile(r"<(a|link|script|img|iframe|source|video|audio)\b([^>]*)>")


def read(page: Path) -> Addresses:
    """The addresses of a page. The generator writes every attribute in double quotes."""
    text = page.read_text(encoding="utf-8")
    links, loads = [], []
    for tag, attributes in TAG.findall(text):
        given = {name: unescape(value) for name, value in re.findall(r'([\w-]+)="([^"]*)"', attributes)}
        if tag == "a" and "href" in given:
            links.append(given["href"])
        if tag == "link" and given.get("rel") in ("stylesheet", "icon", "preload"):
            loads.append(given["href"])
        if "src" in given:
            loads.append(given["src"])
    return Addresses(tuple(links), tuple(loads), frozenset(map(unescape, re.findall(r'\bid="([^"]*)"', text))))


def loaded(site: Path) -> Iterator[tuple[Path, str]]:
    """Every page with every address that a browser loads for it."""
    for page in sorted(site.rglob("*.html")):
        for address in read(page).loads:
            yield page, address


def _links_lead_somewhere(site: Path) -> None:
    """Zensical has looked at the links between Markdown pages; this looks at what came out. Nothing may be loaded from
    another host."""
    known = {page: read(page) for page in sorted(site.rglob("*.html"))}
    wrong = []
    for page, addresses in known.items():
        wrong += [f"{page.relative_to(site)} loads {one}" for one in addresses.loads if urlsplit(one).netloc]
        for address in (*addresses.links, *addresses.loads):
            parts = urlsplit(address)
            if parts.scheme or parts.netloc or address in ("", "#"):
                continue
            if parts.path.startswith(AT):
                target = site / parts.path.removeprefix(AT)
            else:
                target = Path(os.path.normpath(page.parent / unquote(parts.path))) if parts.path else page
            target = target / "index.html" if target.is_dir() else target
            anchor = unquote(parts.fragment)
            if not target.is_file():
                wrong.append(f"{page.relative_to(site)} links to {address}, which is not there")
            elif anchor and target in known and anchor not in known[target].anchors and not anchor.startswith("__"):
                wrong.append(f"{page.relative_to(site)} links to {address}, and there is no such place on that page")
    if wrong:
        raise DocsError("\n".join(dict.fromkeys(wrong)))


def _texts(pages: Path, navigation: list[Any], site: Path) -> None:
    """``llms.txt``: a line for each page; ``llms-full.txt``: all of them."""
    index, full = [f"# Parola\n\n> {SUMMARY}\n"], [f"# Parola\n\n{SUMMARY}\n"]
    for section in navigation:
        for heading, entries in section.items():
            names = list(leaves(entries, heading))
            index.append(f"\n## {heading}\n")
            for title, name in names:
                text = (pages / name).read_text(encoding="utf-8")
                index.append(f"- [{title}](docs/{name}): {_gist(text)}")
                full.append(f"\n\n---\n\nPage: /docs/{name}\n\n{text.strip()}")
    (site / "llms.txt").write_text("\n".join(index) + "\n", encoding="utf-8")
    (site / "llms-full.txt").write_text("".join(full) + "\n", encoding="utf-8")


def _gist(text: str) -> str:
    """The first sentence below a page's title."""
    for paragraph in re.split(r"\n\s*\n", text):
        words = " ".join(paragraph.split())
        if words and not words.startswith(("#", "|", "```", "!", "<", "-", "    ", "`GET")):
            plain = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", words).replace("**", "")
            return re.split(r"(?<=[.:;!?]) ", plain, maxsplit=1)[0].rstrip(":;.?") + "."
    return "Reference."


def _compress(site: Path) -> None:
    for file in site.rglob("*"):
        if file.suffix in (".html", ".css", ".js", ".json", ".svg", ".txt", ".md") and file.stat().st_size > 1024:
            file.with_name(file.name + ".gz").write_bytes(gzip.compress(file.read_bytes(), 9, mtime=0))


if __name__ == "__main__":
    try:
        build(Path(sys.argv[1]))
    except DocsError as error:
        sys.exit(f"The documentation cannot be built:\n{error}")
