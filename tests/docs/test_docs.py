"""What the documents say is what the code does: settings, phases, imports, files, the example in the readme."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from parola.config import LimitSettings, ProviderSettings, Settings, load
from parola.conversation.phases import TRANSITIONS
from parola.providers.registry import Registry
from tests.docs.snippets import block

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DOCUMENTS = (README, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md")))


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def rows(document: str) -> Iterator[list[str]]:
    """The cells of every table row."""
    for line in document.splitlines():
        if line.startswith("| "):
            yield [cell.strip() for cell in line.strip("|").split("|")]


# -- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [field.name for field in fields(Settings)])
def test_every_setting_is_explained(name: str):
    explained = {row[0].strip("`"): row[-1] for row in rows(text("docs/configuration.md"))}
    assert explained.get(name), f"docs/configuration.md has no row for the setting {name}"


@pytest.mark.parametrize("name", [field.name for field in fields(ProviderSettings) if field.name != "options"])
def test_every_key_of_a_provider_is_explained(name: str):
    assert any(row[0] == f"`{name}`" for row in rows(text("docs/configuration.md")))


@pytest.mark.parametrize("field", fields(LimitSettings), ids=lambda field: field.name)
def test_every_limit_is_explained_with_its_default(field: Any):
    (default,) = [row[1] for row in rows(text("docs/configuration.md")) if row[0] == f"`{field.name}`"]
    assert default == f"`{str(field.default).lower()}`"


def test_environment_variables_in_the_table_are_those_that_are_read():
    known = {field.name for field in fields(Settings)}
    for row in rows(text("docs/configuration.md")):
        name = row[0].strip("`")
        if name in known - {"llm", "stt", "tts", "embedding", "mapping", "prices", "limits"}:
            assert row[1].startswith(f"`PAROLA_{name.upper()}`")


def test_flags_in_the_table_are_those_that_serve_takes():
    from typer.main import get_command

    from parola.cli import app

    serve = get_command(app).commands["serve"]  # type: ignore[attr-defined]
    taken = {option for parameter in serve.params for option in parameter.opts} - {"--help", "--config"}
    told = {
        row[2].strip("`") for row in rows(text("docs/configuration.md")) if len(row) == 5 and row[2].startswith("`--")
    }
    assert told == taken


@pytest.mark.parametrize(
    "example",
    [
        *(block("README.md", "toml"), block("configuration.md", "toml"), block("models.md", "toml")),
        *(block("rag.md", "toml"), block("decisions/0016-vendors-through-openai.md", "toml")),
    ],
    ids=["README", "configuration", "models", "rag", "0016"],
)
def test_the_example_configuration_can_be_loaded(example: str, tmp_path: Path):
    file = tmp_path / "parola.toml"
    file.write_text(example, encoding="utf-8")
    Registry(load(file=file, environ={}).settings)


# -- phases -----------------------------------------------------------------------------------------------------------


def test_the_table_of_phases_is_that_of_the_code():
    told = {
        row[0]: [name.strip() for name in row[2].split(",") if name.strip()]
        for row in rows(text("docs/architecture.md"))
        if len(row) == 3 and row[0] in set(TRANSITIONS)
    }
    assert told == {phase.value: [to.value for to in leads_to] for phase, leads_to in TRANSITIONS.items()}


# -- imports ----------------------------------------------------------------------------------------------------------

LAYERS = ("protocol", "conversation", "tools", "knowledge", "privacy", "webhooks", "session", "analysis", "api")
"""Each may import those before it, and itself."""

FOR_ANYONE = {
    "endings",
    "errors",
    "in_turn",
    "logs",
    "config",
    "metrics",
    "rates",
    "providers.base",
    "store.address",
    "store.base",
    "store.pages",
    "store.audit",
    "store.erased",
    "store.outbox",
    "store.overview",
    "store.versions",
}
FOR_ANYONE |= {"tracing.context", "tracing.spans", "tracing.tracer"}
FOR_ANYONE |= {"outbound.addresses"}
FOR_ANYONE |= {"outbound.http", "outbound.guard", "outbound.locators", "outbound.event_stream", "outbound.environment"}
FOR_ANYONE |= {"outbound.request_headers", "outbound.retry_after"}

NO_VENDOR = {
    "providers.base",
    "providers.onnx_weights",
    "providers.making",
    "providers.registry",
    "providers.catalogue",
    "providers.fair_queue",
}
MEETS_VENDORS = {"app", "providers.making", "providers.registry", "terminal.models"}
MEETS_DATABASES = {"app", "terminal.keys", "terminal.doctor"}

BY_THE_PUBLIC_DOOR = {
    f"terminal.{name}"
    for name in (
        *("agents", "call", "chat", "client", "completing", "conversations", "keyboard", "knowledge", "lint"),
        *("listing", "plain", "printing", "progress", "received"),
        *("templates", "transcript", "typing", "webhooks", "why"),
    )
}
"""What talks to a running server knows nothing of it but errors, and how a WAV file is read."""

IMPURE = {
    "asyncio",
    "os",
    "pathlib",
    "random",
    "secrets",
    "select",
    "socket",
    "subprocess",
    "threading",
    "time",
    "uuid",
}


def module_name(file: Path) -> str:
    return ".".join(file.relative_to(ROOT / "parola").with_suffix("").parts)


def imports(file: Path) -> Iterator[str]:
    """Every module a file imports, wherever in it; ours without ``parola.``, with a leading colon."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                found = [alias.name for alias in names]
            case ast.ImportFrom(module=str(module), names=names, level=0):
                inside = [f"{module}.{alias.name}" for alias in names]
                modules = [name for name in inside if (ROOT / Path(*name.split("."))).with_suffix(".py").is_file()]
                found = modules or [module]
            case ast.ImportFrom():
                raise AssertionError(f"{file}: a relative import")
            case _:
                continue
        for name in found:
            yield ":" + name.removeprefix("parola.") if name.startswith("parola.") else name


FILES = {module_name(file): set(imports(file)) for file in sorted((ROOT / "parola").rglob("*.py"))}
OURS = {name: {used[1:] for used in found if used.startswith(":")} for name, found in FILES.items()}


def layer(module: str) -> int | None:
    head = module.partition(".")[0]
    return LAYERS.index(head) if head in LAYERS else None


def test_the_imports_are_found():
    assert "conversation.conversation" in OURS["session.session"]
    assert "store.sql" in OURS["app"]
    assert "asyncio" in FILES["session.session"]


@pytest.mark.parametrize("module", [name for name in FILES if layer(name) is not None])
def test_imports_point_one_way(module: str):
    own = layer(module)
    assert own is not None
    for used in OURS[module] - FOR_ANYONE:
        above = layer(used)
        if above is not None:
            assert above <= own, f"{module} imports {used}, which lies above it"
        else:
            assert used in {"providers.making", "providers.registry"} and own == LAYERS.index("session"), (
                f"{module} imports {used}"
            )


@pytest.mark.parametrize("module", [name for name in FILES if name.startswith(("providers.", "store."))])
def test_providers_and_stores_know_nothing_of_conversations(module: str):
    own = module.partition(".")[0]
    for used in OURS[module] - FOR_ANYONE:
        assert used == "protocol.lossless" or used.startswith(f"{own}."), f"{module} imports {used}"


@pytest.mark.parametrize("module", [name for name in FILES if name.startswith(("conversation.", "protocol."))])
def test_the_heart_cannot_block_tell_the_time_or_throw_dice(module: str):
    assert not {name.partition(".")[0] for name in FILES[module]} & IMPURE
    assert not OURS[module] & {"logs", "config"}


@pytest.mark.parametrize("module", FILES)
def test_vendors_and_databases_are_met_in_few_places(module: str):
    for used in OURS[module]:
        if used.startswith("providers.") and used not in NO_VENDOR and not module.startswith("providers."):
            assert module in MEETS_VENDORS, f"{module} imports {used}"
        if used.startswith("store.") and used not in FOR_ANYONE and not module.startswith("store."):
            assert module in MEETS_DATABASES, f"{module} imports {used}"


def test_the_vendors_do_not_know_each_other():
    families = [
        {name for name in FILES if name.startswith(f"providers.{family}")}
        for family in ("scripted", "openai", "minilm")
    ]
    for module in {name for name in FILES if name.startswith("providers.")} - NO_VENDOR:
        others = {used for used in OURS[module] if used.startswith("providers.")} - NO_VENDOR - {module}
        assert not others or any({module} | others <= family for family in families), f"{module} imports {others}"


@pytest.mark.parametrize("module", sorted(BY_THE_PUBLIC_DOOR))
def test_the_terminal_uses_the_public_api(module: str):
    allowed = BY_THE_PUBLIC_DOOR | {"errors", "session.audio"}
    assert not OURS[module] - allowed


# -- files and examples -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(document: Path):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_that_is_named_exists(document: Path):
    """Paths in backquotes or commands, below folders that the repository has."""
    said = document.read_text(encoding="utf-8")
    folders = "|".join(["parola", "tests", "docs", "bench", "examples", "requirements"])
    for path in re.findall(rf"(?<![\w./-])(?:{folders})/[\w./-]*\w", said):
        if "NAME" not in path:
            assert (ROOT / path).exists(), f"{document.name} names {path}"


def test_make_knows_every_target_that_is_named():
    known = re.findall(r"^([a-z]+):", text("Makefile"), re.MULTILINE)
    for document in DOCUMENTS:
        named = re.findall(r"(?:^ {4}|`)(?:PAROLA\S+ +)*make ([a-z]+)", document.read_text("utf-8"), re.MULTILINE)
        assert set(named) <= set(known), document.name


def test_the_command_knows_every_command_that_is_named():
    from typer.main import get_command

    from parola.cli import app

    commands = get_command(app).commands  # type: ignore[attr-defined]
    for document in DOCUMENTS:
        said = document.read_text(encoding="utf-8")
        for name, sub in re.findall(r"(?:^ {4}(?:\$ )?|`)parola ([a-z]+)(?: ([a-z]+))?", said, re.MULTILINE):
            assert name in commands, f"{document.name}: parola {name}"
            if sub and hasattr(commands[name], "commands"):
                assert sub in commands[name].commands, f"{document.name}: parola {name} {sub}"


def test_the_example_of_the_readme_runs(server, capsys):
    example = block("README.md", "python")
    exec(compile(example.replace("http://127.0.0.1:8400", server.base_url), "README.md", "exec"), {})
    promised = re.findall(r"# (.+)$", example, re.MULTILINE)
    assert [line for line in capsys.readouterr().out.splitlines() if line in promised] == promised
