"""``parola doctor``: is everything there that this server needs? What is missing, it says how to get."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from rich.markup import escape
from rich.table import Table

from parola.config import ProviderSettings, Settings
from parola.errors import InvalidRequest, ParolaError
from parola.outbound.addresses import joined, shown, told
from parola.providers.catalogue import SMART_TURN, State, status
from parola.providers.fair_queue import default_threads
from parola.providers.registry import Registry
from parola.store.address import without_password
from parola.terminal import printing
from parola.terminal.built import has_dashboard
from parola.terminal.client import Server

if TYPE_CHECKING:
    import httpx2

PROBE_SECONDS = 3.0

MARKS = {"ok": "[green]ok[/]", "warn": "[yellow]note[/]", "bad": "[red]broken[/]"}

LEAST_BYTES = 200 * 1024 * 1024
"""Below this a database and recordings soon fail to be written."""

FEW_BYTES = 2 * 1024 * 1024 * 1024

OLDEST_NODE = 20

EPOCH = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
"""A clock that says less has never been set."""

CLOCK_SECONDS = 600
"""What the database was written so much later than now was written by a right clock."""

MODELS_SECONDS = 15.0
"""A server that is asked for its models asks each of them."""

SCRIPTED_ONLY = (
    "agents answer by their script. Any OpenAI-compatible one will do: PAROLA_LLM_BASE_URL=http://127.0.0.1:11434/v1 "
    "PAROLA_LLM_MODEL=… (Ollama's address)."
)

MAKES_KEY = "parola keys create NAME"


@dataclass(frozen=True, slots=True)
class Finding:
    state: Literal["ok", "warn", "bad"]
    text: str


async def examine(settings: Settings, url: str = "", api_key: str = "") -> bool:
    """Print what was found; False when something needed is broken. Where a server runs, at ``url`` or on the port of
    the settings, what thinks, listens and speaks is told of that server: its settings need not be those of this shell.
    """
    server = url or _address(settings)
    theirs = await asyncio.to_thread(_of_server, server, api_key, is_expected=bool(url))
    findings = [
        *_data(settings),
        *_disk(settings),
        *_clock(settings),
        *_port(settings),
        *_keys(settings),
        *_models(settings),
        *_dashboard(),
        *(theirs or await _providers(settings)),
    ]
    for finding in findings:
        printing.out.print(_row(finding))
    broken = sum(finding.state == "bad" for finding in findings)
    printing.out.print("[green]All is well.[/]" if not broken else f"[red]{broken} to be repaired.[/]")
    return not broken


def _row(finding: Finding) -> Table:
    """What was found, beside its mark; a long sentence stays right of it."""
    row = Table.grid(padding=(0, 2))
    row.add_column(width=6)
    row.add_column(overflow="fold")
    row.add_row(MARKS[finding.state], escape(finding.text))
    return row


def _disk(settings: Settings) -> Iterator[Finding]:
    folder = next(folder for folder in (settings.data.absolute(), *settings.data.absolute().parents) if folder.exists())
    free = shutil.disk_usage(folder).free
    told = f"{free / 1e9:.1f} GB are free where {settings.data} lies"
    if free < LEAST_BYTES:
        yield Finding("bad", f"Only {told}: make room, or move it with --data.")
    elif free < FEW_BYTES:
        yield Finding("warn", f"{told}: recordings of a day may need more. Move it with --data, or make room.")
    else:
        yield Finding("ok", f"{told}.")


def _clock(settings: Settings) -> Iterator[Finding]:
    """Signed URLs, keys that end and signatures of webhooks all go by the clock."""
    now = time.time()
    database = settings.data / "parola.db"
    latest = database.stat().st_mtime if database.exists() else 0.0
    if now < EPOCH or latest > now + CLOCK_SECONDS:
        yield Finding(
            "bad",
            f"The clock says {datetime.fromtimestamp(now, UTC):%Y-%m-%d %H:%M} UTC, which is in the past: signatures "
            "and keys will be refused. Set it: `timedatectl set-ntp true`.",
        )
    else:
        yield Finding("ok", f"The clock says {datetime.fromtimestamp(now, UTC):%Y-%m-%d %H:%M} UTC.")


def _keys(settings: Settings) -> Iterator[Finding]:
    """Whether requests can be told from strangers'."""
    reachable = settings.host not in ("127.0.0.1", "::1", "localhost")
    count = _key_count(settings)
    if settings.auth == "off":
        yield Finding("warn", "Everybody who reaches the server may do everything: auth is off.")
    elif count:
        yield Finding("ok", f"There {'is one API key' if count == 1 else f'are {count} API keys'}.")
    elif count is None:
        return
    elif reachable or settings.auth == "required":
        yield Finding("bad", f"No API key: `parola keys create NAME --data {settings.data}` makes one.")
    else:
        yield Finding("ok", f"No API key: programs on this machine need none until `{MAKES_KEY}`.")


def _key_count(settings: Settings) -> int | None:
    """How many keys the database in the data folder has; None when that is not to be found out here."""
    if settings.database_url or settings.ephemeral:
        return None
    database = settings.data / "parola.db"
    if not database.exists():
        return 0
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM api_keys").fetchone()[0])
    except sqlite3.Error:
        return None  # a damaged database has been told of


def _dashboard() -> Iterator[Finding]:
    if has_dashboard():
        yield Finding("ok", "The dashboard is built.")
        return
    node = _node()
    if node is None:
        yield Finding(
            "warn",
            f"The dashboard is not built, and Node.js is not installed: install Node.js {OLDEST_NODE} or newer, "
            "then run `make dashboard` in the checkout. All else works without.",
        )
    elif node < OLDEST_NODE:
        yield Finding(
            "warn",
            f"The dashboard is not built, and Node.js {node} is too old: install {OLDEST_NODE} or newer, "
            "then run `make dashboard` in the checkout. All else works without.",
        )
    else:
        yield Finding(
            "warn", "The dashboard is not built: run `make dashboard` in the checkout. All else works without."
        )


def _node() -> int | None:
    """The major version of Node.js; None when there is none."""
    try:
        said = subprocess.run(["node", "--version"], capture_output=True, text=True, timeout=PROBE_SECONDS, check=False)
        return int(said.stdout.strip().removeprefix("v").partition(".")[0])
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


def _data(settings: Settings) -> Iterator[Finding]:
    if settings.ephemeral:
        yield Finding("warn", "Nothing is kept: the server is ephemeral.")
        return
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
        probe = settings.data / f".probe-{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        yield Finding(
            "bad", f"The data folder {settings.data} cannot be written: {error.strerror}. Choose another with --data."
        )
        return
    if settings.database_url:
        yield Finding("ok", f"Data folder {settings.data}, for files.")
        yield _postgres(settings)
        return
    database = settings.data / "parola.db"
    if not database.exists():
        yield Finding("ok", f"Data folder {settings.data}, new.")
        return
    try:
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
            answer = connection.execute("PRAGMA quick_check").fetchone()[0]
    except sqlite3.Error as error:
        answer = str(error)
    if answer == "ok":
        yield Finding("ok", f"Data folder {settings.data}, database sound.")
    else:
        yield Finding("bad", f"The database {database} is damaged: {answer}. Restore it from a backup.")


def _postgres(settings: Settings) -> Finding:
    from sqlalchemy.exc import SQLAlchemyError

    from parola.store import postgres
    from parola.store.outage import reason

    shown = without_password(settings.database_url)
    try:
        return Finding("ok", f"{postgres.described(settings.database_url)} at {shown}.")
    except InvalidRequest as error:
        return Finding("bad", error.message)
    except SQLAlchemyError as error:
        return Finding("bad", f"The database {shown} does not answer: {reason(error)}")


def _port(settings: Settings) -> Iterator[Finding]:
    import httpx2

    host = _host(settings)
    try:
        socket.create_connection((host, settings.port), 0.5).close()
    except OSError:
        yield Finding("ok", f"Port {settings.port} is free.")
        return
    url = _address(settings)
    try:
        health = httpx2.get(f"{url}/health", timeout=PROBE_SECONDS).json()
        told = f"A Parola server runs at {url}, version {health['version']}: it is {health['status']}."
    except (httpx2.HTTPError, ValueError, KeyError, TypeError):
        told = f"Port {settings.port} is taken by another program: choose another port with --port."
    yield Finding("warn", told)


def _host(settings: Settings) -> str:
    return "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host


def _address(settings: Settings) -> str:
    """Where a server with these settings is reached from here."""
    host = _host(settings)
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def _of_server(url: str, api_key: str, *, is_expected: bool) -> list[Finding]:
    """What a server that runs has; empty when none does, unless one ``is_expected``."""
    server = Server(url, api_key, timeout=PROBE_SECONDS)
    try:
        server.rest("GET", "/health")["version"]
    except (ParolaError, KeyError, TypeError) as error:
        why = error.message if isinstance(error, ParolaError) else f"There is no Parola server at {url}."
        return [Finding("bad", why)] if is_expected else []
    try:
        models = Server(url, api_key, timeout=MODELS_SECONDS).rest("GET", "/v1/x/models")
    except ParolaError as error:
        told = f"What the server at {url} thinks, listens and speaks with is not known: {error.message}"
        return [Finding("warn", told)]
    return [
        _of_provider(url, kind, one)
        for kind in ("language_models", "speech_to_text", "text_to_speech")
        for one in models[kind]["providers"]
    ]


def _of_provider(url: str, kind: str, one: dict[str, Any]) -> Finding:
    if kind == "language_models" and one["is_default"] and one["kind"] == "scripted":
        return Finding("warn", f"The server at {url} has no language model: {SCRIPTED_ONLY}")
    title = f"{one['name']} ({': '.join(filter(None, (one['kind'], one['model'])))})"
    told = f"{kind.replace('_', ' ').capitalize().removesuffix('s')} {title} of the server at {url}"
    if one["is_available"] is False:
        return Finding("bad", f"{told}: {one['note']}")
    return Finding("ok", f"{told}.")


def _models(settings: Settings) -> Iterator[Finding]:
    embedded = any(
        settings_of.provider == "embedded" for kind in (settings.stt, settings.tts) for settings_of in kind.values()
    )
    missing = [entry.model.name for entry in status(settings.models) if entry.state is not State.PRESENT]
    if SMART_TURN in missing and settings.turn_detector != "off":
        yield Finding(
            "warn", f"Turn detector {SMART_TURN}: run `parola models install`. Until then, silence alone ends a turn."
        )
    missing = [name for name in missing if name != SMART_TURN]
    if not missing:
        yield Finding("ok", f"Speech models in {settings.models}.")
        if embedded:
            yield Finding("ok", _threads(settings))
    elif embedded:
        yield Finding("bad", f"Speech models {', '.join(missing)}: run `parola models install`. Until then, text only.")
    else:
        yield Finding("warn", f"Speech models {', '.join(missing)} are not installed, and not configured.")


def _threads(settings: Settings) -> str:
    """How much of this machine speech may use."""
    workers = {
        kind: int(entries["default"].options.get("workers", 0)) or default_threads()
        for kind, entries in (("listening", settings.stt), ("speaking", settings.tts))
        if entries["default"].provider == "embedded"
    }
    shares = " and ".join(f"{count} for {kind}" for kind, count in workers.items())
    return f"Threads for embedded speech: {shares or 'none'} (option `workers`)."


async def _providers(settings: Settings) -> list[Finding]:
    try:
        Registry(settings)
    except InvalidRequest as error:
        return [Finding("bad", error.message)]
    findings: list[Finding] = []
    if settings.llm["default"].provider == "scripted":
        findings.append(
            Finding(
                "warn",
                f"No language model: {SCRIPTED_ONLY}",
            )
        )
    probes = [
        _probe(kind, name, entry)
        for kind, entries in (("llm", settings.llm), ("stt", settings.stt), ("tts", settings.tts))
        for name, entry in entries.items()
        if entry.base_url
    ]
    return findings + list(await asyncio.gather(*probes))


async def _probe(kind: str, name: str, entry: ProviderSettings) -> Finding:
    """Ask an OpenAI-compatible service for its models: the cheapest sign of life."""
    import httpx2

    title = f"{kind}.{name} at {shown(entry.base_url)}"
    headers = {"Authorization": f"Bearer {entry.api_key}"} if entry.api_key else {}
    begun = time.perf_counter()
    try:
        async with httpx2.AsyncClient(timeout=PROBE_SECONDS) as client:
            response = await client.get(joined(entry.base_url, "/models"), headers=headers)
    except httpx2.HTTPError as error:
        return Finding("bad", f"{title} does not answer ({told(error)}). Is it running?")
    if response.status_code in (401, 403):
        return Finding("bad", f"{title} refuses the key ({response.status_code}). Set PAROLA_{kind.upper()}_API_KEY.")
    took = f"{1000 * (time.perf_counter() - begun):.0f} ms"
    names = _names(response)
    if kind == "llm" and entry.model and names and not {entry.model, f"{entry.model}:latest"} & names:
        some = ", ".join(sorted(names)[:5]) + (", …" if len(names) > 5 else "")
        return Finding("warn", f"{title} answers in {took}, but does not list the model {entry.model}: it has {some}.")
    return Finding("ok", f"{title} answers in {took}.")


def _names(response: httpx2.Response) -> set[str]:
    """The models that a service lists; none when it lists none, or in another way."""
    try:
        return {str(model["id"]) for model in response.json()["data"]}
    except (ValueError, KeyError, TypeError):
        return set()
