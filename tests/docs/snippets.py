"""The code blocks of the documents, for the tests that run them: ``block("tools.md", "json")``.

Who takes blocks says how many the page has, so that a new one cannot go by unseen; ``test_snippets.py`` finds what
nobody takes."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

PAGES = {
    **{str(page.relative_to(DOCS)): page for page in sorted(DOCS.rglob("*.md"))},
    **{name: ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "examples/README.md")},
}
"""Every document by its name: below ``docs/``, or in the repository."""

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def text(page: str) -> str:
    return PAGES[page].read_text(encoding="utf-8")


def counted(page: str) -> Counter[str]:
    """How many blocks of each language a page has; ``""`` for those that say none."""
    return Counter(language for language, _ in FENCE.findall(text(page)))


def blocks(page: str, language: str, count: int) -> list[str]:
    """All blocks of a language. Fails when there are not as many as the test knows of."""
    found = [code for said, code in FENCE.findall(text(page)) if said == language]
    assert len(found) == count, f"{page} has {len(found)} blocks of {language}; the test of it knows {count}"
    return found


def block(page: str, language: str) -> str:
    """The only block of a language."""
    (found,) = blocks(page, language, 1)
    return found


def curl(command: str, **replaced: str) -> list[Any]:
    """Run what a page shows, one ``curl`` or several, with its placeholders replaced and its variables set
    (``AGENT_ID``, ``$URL``); the JSON documents that were answered."""
    for name, value in replaced.items():
        command = re.sub(rf"(?<!\$)\b{name}\b", value, command)
    quiet = re.sub(r"^curl ", "curl -sSf --noproxy '*' ", command, flags=re.MULTILINE)
    environment = {**os.environ, **replaced}
    done = subprocess.run(["bash", "-ec", quiet], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{quiet}\n{done.stdout}\n{done.stderr}"
    decoder, rest, answers = json.JSONDecoder(), done.stdout.strip(), []
    while rest:
        answer, end = decoder.raw_decode(rest)
        answers.append(answer)
        rest = rest[end:].lstrip()
    return answers
