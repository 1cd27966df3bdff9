"""Which clients work, as a table in the readme and in ``docs/clients.md``: ``python docs/site/clients.py`` renews both.

What is tested is read from the tests: ``@pytest.mark.client("python", "voice")`` says which client a test runs and what
it proves of it. A test fails when a table is not what this would write.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]

ABILITIES = {"text": "text", "voice": "voice", "tools": "client tools", "signed": "signed URL"}
"""The columns, and what they are called."""

TABLE = re.compile(r"(<!-- clients -->\n).*?(<!-- /clients -->)", re.DOTALL)

PLACES = (ROOT / "README.md", ROOT / "docs" / "clients.md")


@dataclass(frozen=True, slots=True)
class Client:
    """A row: how a client is pointed here, and what is known of it beyond the tests."""

    name: str
    change: str
    package: str = ""
    """In one of the lock files, for the version that is tested."""
    untested: dict[str, str] = field(default_factory=dict)
    """What it does by its source, though no test here runs it; a dash stands for the rest."""


NATIVE = {"text": "yes", "voice": "no: WebRTC", "signed": "yes"}

CLIENTS = {
    "python": Client("Python SDK", '`ElevenLabs(base_url="http://127.0.0.1:8400")`', "elevenlabs"),
    "javascript": Client(
        "JavaScript `@elevenlabs/client`",
        '`Conversation.startSession({agentId, connectionType: "websocket", origin: "ws://127.0.0.1:8400"})`',
        "@elevenlabs/client",
    ),
    "react": Client(
        "React `@elevenlabs/react`", "`startSession({signedUrl})`; it ignores `origin`", "@elevenlabs/react"
    ),
    "widget": Client(
        "Widget `<elevenlabs-convai>`",
        "the attribute `override-config`, and `origin` and `connectionType` in its event `elevenlabs-convai:call`",
        "@elevenlabs/convai-widget-embed",
        {"signed": "yes"},
    ),
    "node": Client(
        "Node `@elevenlabs/elevenlabs-js`",
        '`new ElevenLabsClient({baseUrl: "http://127.0.0.1:8400"})`, and `requiresAuth: true` in a `Conversation`',
        "",
        {"text": "yes", "voice": "yes", "tools": "yes", "signed": "yes"},
    ),
    "swift": Client("Swift", "a signed URL", "", NATIVE),
    "android": Client("Android", "`apiEndpoint`, or a signed URL", "", NATIVE),
    "cli": Client(
        "command line `elevenlabs`",
        "`ELEVENLABS_BASE_URL=http://127.0.0.1:8400`; init, add, push, pull: tested with its templates",
        "@elevenlabs/cli-linux-x64",
    ),
    "raw": Client("raw WebSocket", "`ws://127.0.0.1:8400/v1/convai/conversation?agent_id=agent_demo`"),
}


def proofs() -> Iterator[tuple[str, str, str]]:
    """Client, ability and test of every test that is marked."""
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or not node.name.startswith("test_"):
                continue
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.client":
                    client, *abilities = (ast.literal_eval(argument) for argument in mark.args)
                    for ability in abilities:
                        yield client, ability, f"{file.relative_to(ROOT)}::{node.name}"


def table() -> str:
    """The table, as Markdown."""
    tested = {(client, ability) for client, ability, _ in proofs()}
    head = ["client", "what to change", *ABILITIES.values()]
    lines = [f"| {' | '.join(head)} |", "| --- " * len(head) + "|"]
    for key, client in CLIENTS.items():
        version = _version(client.package)
        cells = [
            "**tested**" if (key, ability) in tested else client.untested.get(ability, "–") for ability in ABILITIES
        ]
        lines.append(f"| {' | '.join([f'{client.name} {version}'.strip(), client.change, *cells])} |")
    return "\n".join(lines) + "\n"


def with_table(text: str) -> str:
    """A document with the table as it is now."""
    return TABLE.sub(lambda found: found[1] + table() + found[2], text)


def _version(package: str) -> str:
    """The version that a lock file has, or nothing."""
    if not package:
        return ""
    for name in ("package-lock.json", "dashboard/package-lock.json"):
        packages = json.loads((ROOT / name).read_text(encoding="utf-8"))["packages"]
        if f"node_modules/{package}" in packages:
            return str(packages[f"node_modules/{package}"]["version"])
    found = re.search(rf"^{package}==([\d.]+)", (ROOT / "requirements" / "dev.txt").read_text("utf-8"), re.MULTILINE)
    return found[1] if found else ""


if __name__ == "__main__":
    for place in PLACES:
        place.write_text(with_table(place.read_text(encoding="utf-8")), encoding="utf-8")
