"""The settings of one process: read once in ``cli.py``, frozen, passed by argument.

Flags win over the environment (``PAROLA_*``), which wins over ``parola.toml``, which wins over the defaults;
``Loaded.sources`` remembers where each value came from, for ``parola config``.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from parola.errors import InvalidRequest

SHORTEST_MASTER_KEY = 32

LEVELS = ("debug", "info", "warning", "error")
"""Of the log."""

FORMATS = ("text", "json")

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def default_data_dir() -> Path:
    """Where data lives when nobody says otherwise: ``$XDG_DATA_HOME/parola``, else ``~/.local/share/parola``."""
    home = os.environ.get("XDG_DATA_HOME")
    return (Path(home) if home else Path.home() / ".local" / "share") / "parola"


def default_models_dir() -> Path:
    """Where ``parola models install`` puts the speech models: in the default data folder, shared by all others."""
    return default_data_dir() / "models"


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """One entry of ``[llm.NAME]``, ``[stt.NAME]``, ``[tts.NAME]`` or ``[embedding.NAME]``: a vendor and how to reach
    it."""

    provider: str
    """``scripted``, ``openai`` or ``embedded``."""
    base_url: str = ""
    api_key: str = ""
    model: str = ""
    voice: str = ""
    timeout_seconds: float = 20.0
    options: Mapping[str, Any] = field(default_factory=dict)
    """What only this vendor understands."""


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """``[limits]``: how much one address, one API key or one agent may ask for; 0: as much as it likes. A minute's
    allowance may be used at once, and comes back bit by bit."""

    requests_per_address: int = 600
    """REST requests a minute from one IP address."""
    requests_per_key: int = 6000
    """REST requests a minute with one API key."""
    starts_per_address: int = 60
    """Conversations begun a minute from one IP address."""
    starts_per_key: int = 600
    """Conversations begun a minute with one API key, or with URLs that it signed."""
    starts_per_agent: int = 0
    """Conversations begun a minute with one agent; its own ``call_limits.x_starts_per_minute`` wins."""
    conversations_per_address: int = 20
    """Conversations at a time from one IP address."""
    conversations_per_key: int = 0
    """Conversations at a time with one API key, or with URLs that it signed."""
    count_loopback: bool = False
    """Whether the limits of addresses hold for this machine too."""


@dataclass(frozen=True, slots=True)
class Settings:
    host: str = "127.0.0.1"
    """Address to listen on. Any other than loopback needs an API key."""
    port: int = 8400
    public_url: str = ""
    """How clients reach this server, when a proxy stands in front: ``https://voice.example.com``. Empty: the
    request's own host."""
    data: Path = field(default_factory=default_data_dir)
    """One folder: database, files, recordings, keys."""
    database_url: str = ""
    """A PostgreSQL to keep everything in but files: ``postgresql://user:password@host/database``. Empty: SQLite in
    the data folder."""
    database_connections: int = 5
    """To the database: one writes, the others read."""
    models: Path = field(default_factory=default_models_dir)
    """Where the speech models are."""
    ephemeral: bool = False
    """Keep everything in memory; nothing is written, nothing is left."""
    project: Path | None = None
    """A folder with agents as JSON files, loaded at start."""
    auth: str = "auto"
    """``auto``: an API key is needed once one exists, or when listening beyond loopback; ``required``; ``off``."""
    cors_origins: tuple[str, ...] = ("*",)
    enclave: bool = False
    """Accept ``enclave_setup_config``: clients bring their own agent."""
    preload: bool = False
    """Load the speech models at start instead of at the first call."""
    turn_detector: str = "auto"
    """``auto``: the embedded model judges by the sound whether a caller has finished, where it is installed; ``off``:
    silence alone decides."""
    record_audio: bool = True
    """Keep a recording of voice conversations whose agent does not forbid it."""
    strict_origins: bool = False
    """Refuse callers of private agents with an allow-list who send no ``Origin`` and no API key."""
    tool_mocks: str = "auto"
    """Whose conversations may have their tools mocked: ``anyone``'s, those of clients that send an API key
    (``keyed``), or ``never``; ``auto``: ``keyed`` once API keys are needed."""
    limits: LimitSettings = field(default_factory=LimitSettings)
    """``[limits]``: rates and shares of addresses, keys and agents."""
    audit_retention_days: int = 365
    """How long the audit log is kept; 0: for ever."""
    master_key: str = ""
    """What stored secrets are locked with in the end: at least 32 characters. Empty: ``master_key_file``."""
    master_key_file: Path | None = None
    """A file with the master key, for example of a mounted secret; none: ``master.key`` in the data folder, made at the
    first start."""
    max_conversations: int = 0
    """Conversations at a time, of all agents; 0: as many as come."""
    hold_when_busy: bool = True
    """Let new voice calls wait while the event loop or a speech model is saturated."""
    outbound_private: str = "auto"
    """Whether what agents name (tools, custom models) may lie on this machine or in a private network: ``allow``,
    ``deny``, or ``auto``: only when this server listens on loopback and ``public_url`` names no other host."""
    outbound_allow: tuple[str, ...] = ()
    """Hosts and networks that agents may name all the same: ``crm.internal``, ``*.lan``, ``10.1.0.0/16``."""
    egress: str = "all"
    """``all``: this server asks whom it is told to; ``none``: nobody but this machine, whoever asks."""
    retention_days: int = -1
    """Days after which conversations are deleted whose agent sets no limit; -1: never."""
    zero_retention: bool = False
    """Nothing of what is said in any conversation is written anywhere."""
    tool_identity_headers: bool = True
    """Say with each request of a webhook tool which agent and conversation it comes from, signed."""
    analysis: str = "auto"
    """``auto``: a conversation that has ended is analysed where its agent asks for criteria or values, or where there
    is a language model that can summarise it; ``off``: only when ``POST .../analysis/run`` asks for it."""
    resume_window_secs: int = 30
    """How long a client whose connection broke may take to come back, if it said that it can; 0: conversations end
    with their connection. An agent's ``conversation.x_resume_window_secs`` wins."""
    webhook_timeout_seconds: int = 30
    """How long an endpoint may take to answer a webhook."""
    drain_seconds: int = 20
    """How long running conversations may go on after SIGTERM; 0: they end at once."""
    log_level: str = "info"
    """``debug``, ``info``, ``warning`` or ``error``."""
    log_format: str = "text"
    """``text``: name=value; ``json``: one object a line."""
    otlp_endpoint: str = ""
    """A collector of OpenTelemetry traces that takes OTLP over HTTP: ``http://127.0.0.1:4318``. Empty: no traces."""
    otlp_headers: tuple[str, ...] = ()
    """Sent with the traces, ``name=value`` each."""
    otlp_service_name: str = "parola"
    otlp_sample_ratio: float = 1.0
    """How many of the conversations are traced that bring no trace along, 0 to 1."""
    otlp_content: bool = False
    """Let spans hold what was said, where the agent's privacy settings allow that it is kept."""
    llm: Mapping[str, ProviderSettings] = field(default_factory=dict)
    stt: Mapping[str, ProviderSettings] = field(default_factory=dict)
    tts: Mapping[str, ProviderSettings] = field(default_factory=dict)
    embedding: Mapping[str, ProviderSettings] = field(default_factory=dict)
    backup_llms: tuple[str, ...] = ()
    """Names of models, as in an agent's ``llm``, that are asked in this order when an agent's own fails; for agents
    whose ``backup_llm_config`` is ``default``."""
    prices: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """``[prices.MODEL]``: USD for a million tokens; ``input``, ``input_cache_read`` and ``output``. A model may be a
    pattern. What is not listed costs nothing."""
    mapping: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """``[mapping.llm]``, ``[mapping.stt]``, ``[mapping.tts]``, ``[mapping.embedding]``, ``[mapping.voices]``: a hosted
    name to a local one."""

    @property
    def on_loopback(self) -> bool:
        return self.host in LOOPBACK


@dataclass(frozen=True, slots=True)
class Loaded:
    settings: Settings
    sources: Mapping[str, str]
    """Field name to ``default``, a file's path, an environment variable or ``flag``."""


_LISTS = ("cors_origins", "outbound_allow", "backup_llms", "otlp_headers")
_SCALARS = {
    "host": str,
    "port": int,
    "public_url": str,
    "data": Path,
    "database_url": str,
    "database_connections": int,
    "models": Path,
    "ephemeral": bool,
    "project": Path,
    "auth": str,
    "enclave": bool,
    "preload": bool,
    "turn_detector": str,
    "record_audio": bool,
    "strict_origins": bool,
    "tool_mocks": str,
    "audit_retention_days": int,
    "master_key": str,
    "master_key_file": Path,
    "max_conversations": int,
    "hold_when_busy": bool,
    "outbound_private": str,
    "egress": str,
    "retention_days": int,
    "zero_retention": bool,
    "tool_identity_headers": bool,
    "resume_window_secs": int,
    "webhook_timeout_seconds": int,
    "drain_seconds": int,
    "analysis": str,
    "log_level": str,
    "log_format": str,
    "otlp_endpoint": str,
    "otlp_service_name": str,
    "otlp_sample_ratio": float,
    "otlp_content": bool,
}
_LIMITS = tuple(f.name for f in fields(LimitSettings))
_ALSO = {
    "database_url": "DATABASE_URL",
    "otlp_endpoint": "OTEL_EXPORTER_OTLP_ENDPOINT",
    "otlp_headers": "OTEL_EXPORTER_OTLP_HEADERS",
    "otlp_service_name": "OTEL_SERVICE_NAME",
}
"""Environment variables that mean the same where ours is not set: hosting platforms set them."""
_KINDS = ("llm", "stt", "tts", "embedding")
_DEFAULT_PROVIDERS = {
    "llm": ProviderSettings("scripted"),
    "stt": ProviderSettings("embedded"),
    "tts": ProviderSettings("embedded"),
    "embedding": ProviderSettings("embedded"),
}


def load(
    flags: Mapping[str, Any] | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
    file: Path | None = None,
) -> Loaded:
    """Put the settings together. ``flags`` holds only what was given; ``file`` must exist when it is named.

    Raises ``InvalidRequest``: an unknown key, a value of the wrong kind, a file that is missing or not TOML.
    """
    values: dict[str, Any] = {}
    sources: dict[str, str] = {f.name: "default" for f in fields(Settings)}
    providers: dict[str, dict[str, dict[str, Any]]] = {kind: {} for kind in _KINDS}

    path = file or Path("parola.toml")
    if file is not None or path.is_file():
        _from_toml(_parse(path), str(path), values, sources, providers)
    _from_environment(environ, values, sources, providers)
    for name, value in (flags or {}).items():
        if value is not None:
            values[name] = _cast(name, value, f"--{name.replace('_', '-')}")
            sources[name] = "flag"

    for kind in _KINDS:
        made = {name: _provider(kind, name, entry) for name, entry in providers[kind].items()}
        made.setdefault("default", _DEFAULT_PROVIDERS[kind])
        values[kind] = made
    settings = replace(Settings(), **values)
    if settings.auth not in ("auto", "required", "off"):
        raise InvalidRequest(f'auth: expected "auto", "required" or "off", got "{settings.auth}".')
    if settings.max_conversations < 0:
        raise InvalidRequest(f"max_conversations: expected 0 or more, got {settings.max_conversations}.")
    if settings.audit_retention_days < 0:
        raise InvalidRequest(f"audit_retention_days: expected 0 or more, got {settings.audit_retention_days}.")
    if 0 < len(settings.master_key) < SHORTEST_MASTER_KEY:
        raise InvalidRequest(
            f"master_key: expected at least {SHORTEST_MASTER_KEY} characters, got {len(settings.master_key)}."
        )
    if not 0 <= settings.resume_window_secs <= 600:
        raise InvalidRequest(f"resume_window_secs: expected 0 to 600, got {settings.resume_window_secs}.")
    if settings.webhook_timeout_seconds < 1:
        raise InvalidRequest(f"webhook_timeout_seconds: expected 1 or more, got {settings.webhook_timeout_seconds}.")
    if settings.drain_seconds < 0:
        raise InvalidRequest(f"drain_seconds: expected 0 or more, got {settings.drain_seconds}.")
    if settings.database_connections < 2:
        raise InvalidRequest(f"database_connections: expected 2 or more, got {settings.database_connections}.")
    if settings.turn_detector not in ("auto", "off"):
        raise InvalidRequest(f'turn_detector: expected "auto" or "off", got "{settings.turn_detector}".')
    if settings.analysis not in ("auto", "off"):
        raise InvalidRequest(f'analysis: expected "auto" or "off", got "{settings.analysis}".')
    if settings.tool_mocks not in ("auto", "anyone", "keyed", "never"):
        raise InvalidRequest(f'tool_mocks: expected "auto", "anyone", "keyed" or "never", got "{settings.tool_mocks}".')
    if settings.outbound_private not in ("auto", "allow", "deny"):
        raise InvalidRequest(
            f'outbound_private: expected "auto", "allow" or "deny", got "{settings.outbound_private}".'
        )
    if settings.log_level not in LEVELS:
        raise InvalidRequest(f'log_level: expected {_either(LEVELS)}, got "{settings.log_level}".')
    if settings.log_format not in FORMATS:
        raise InvalidRequest(f'log_format: expected {_either(FORMATS)}, got "{settings.log_format}".')
    if not 0 <= settings.otlp_sample_ratio <= 1:
        raise InvalidRequest(f"otlp_sample_ratio: expected 0 to 1, got {settings.otlp_sample_ratio:g}.")
    if settings.egress not in ("all", "none"):
        raise InvalidRequest(f'egress: expected "all" or "none", got "{settings.egress}".')
    if settings.retention_days < -1:
        raise InvalidRequest(f"retention_days: expected 0 or more, or -1 for ever, got {settings.retention_days}.")
    return Loaded(settings, sources)


def _either(names: Sequence[str]) -> str:
    """``"a", "b" or "c"``."""
    *first, last = (f'"{name}"' for name in names)
    return f"{', '.join(first)} or {last}"


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InvalidRequest(f"The configuration file {path} does not exist.") from None
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise InvalidRequest(f"The configuration file {path} cannot be read: {error}") from None


def _from_toml(
    document: dict[str, Any],
    path: str,
    values: dict[str, Any],
    sources: dict[str, str],
    providers: dict[str, dict[str, dict[str, Any]]],
) -> None:
    for key, value in document.items():
        if key in _SCALARS:
            values[key] = _cast(key, value, f"{path}: {key}")
        elif key in _LISTS:
            if not isinstance(value, list):
                raise InvalidRequest(f"{path}: {key}: expected a list of texts, got {value!r}.")
            values[key] = tuple(str(entry) for entry in value)
        elif key in _KINDS:
            for name, entry in _table(value, f"{path}: [{key}]").items():
                providers[key][name] = dict(_table(entry, f"{path}: [{key}.{name}]"))
        elif key == "mapping":
            tables = _table(value, f"{path}: [mapping]")
            values[key] = {
                k: {a: str(b) for a, b in _table(t, f"{path}: [mapping.{k}]").items()} for k, t in tables.items()
            }
        elif key == "limits":
            values[key] = _limits(_table(value, f"{path}: [limits]"), f"{path}: [limits]: ")
        elif key == "prices":
            tables = _table(value, f"{path}: [prices]")
            values[key] = {model: _prices(entry, f"{path}: [prices.{model}]") for model, entry in tables.items()}
        else:
            raise InvalidRequest(
                f'{path}: "{key}" is no setting. Known: {", ".join(f.name for f in fields(Settings))}.'
            )
        sources[key] = path


def _from_environment(
    environ: Mapping[str, str],
    values: dict[str, Any],
    sources: dict[str, str],
    providers: dict[str, dict[str, dict[str, Any]]],
) -> None:
    for name in _SCALARS:
        variable = f"PAROLA_{name.upper()}"
        if not environ.get(variable):
            variable = _ALSO.get(name, variable)
        if environ.get(variable):
            values[name] = _cast(name, environ[variable], variable)
            sources[name] = variable
    for name in _LISTS:
        variable = f"PAROLA_{name.upper()}"
        if not environ.get(variable):
            variable = _ALSO.get(name, variable)
        if entries := environ.get(variable):
            values[name] = tuple(entry.strip() for entry in entries.split(",") if entry.strip())
            sources[name] = variable
    limits = {name: environ[variable] for name in _LIMITS if environ.get(variable := f"PAROLA_LIMITS_{name.upper()}")}
    if limits:
        values["limits"] = _limits(limits, "PAROLA_LIMITS_*: ", values.get("limits"))
        sources["limits"] = "PAROLA_LIMITS_*"
    for kind in _KINDS:
        given = {
            part: environ[f"PAROLA_{kind.upper()}_{part.upper()}"]
            for part in ("provider", "base_url", "api_key", "model", "voice")
            if environ.get(f"PAROLA_{kind.upper()}_{part.upper()}")
        }
        if given:
            entry = providers[kind].setdefault("default", {})
            if "provider" not in given and "base_url" in given:
                entry["provider"] = "openai"
            entry.update(given)
            sources[kind] = f"PAROLA_{kind.upper()}_*"


def _table(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidRequest(f"{where}: expected a table, got {value!r}.")
    return value


def _limits(given: Mapping[str, Any], where: str, before: LimitSettings | None = None) -> LimitSettings:
    limits: dict[str, Any] = {}
    for name, value in given.items():
        if name not in _LIMITS:
            raise InvalidRequest(f'{where}"{name}" is no limit. Known: {", ".join(_LIMITS)}.')
        limits[name] = _cast_to(bool if name == "count_loopback" else int, value, f"{where}{name}")
        if limits[name] < 0:
            raise InvalidRequest(f"{where}{name}: expected 0 or more, got {value}.")
    return replace(before or LimitSettings(), **limits)


def _prices(entry: Any, where: str) -> dict[str, float]:
    prices = {}
    for kind, price in _table(entry, where).items():
        if kind not in ("input", "input_cache_read", "output"):
            raise InvalidRequest(f'{where}: expected input, input_cache_read or output, got "{kind}".')
        if isinstance(price, bool) or not isinstance(price, int | float) or price < 0:
            raise InvalidRequest(f"{where}: {kind}: expected USD for a million tokens, 0 or more, got {price!r}.")
        prices[kind] = float(price)
    return prices


def _provider(kind: str, name: str, entry: dict[str, Any]) -> ProviderSettings:
    known = {f.name for f in fields(ProviderSettings)} - {"options"}
    if "provider" not in entry:
        entry = {"provider": "openai" if "base_url" in entry else _DEFAULT_PROVIDERS[kind].provider, **entry}
    options = {key: value for key, value in entry.items() if key not in known}
    return ProviderSettings(**{key: value for key, value in entry.items() if key in known}, options=options)


def _cast(name: str, value: Any, where: str) -> Any:
    return _cast_to(_SCALARS.get(name), value, where)


def _cast_to(kind: type | None, value: Any, where: str) -> Any:
    if kind is bool and isinstance(value, str):
        if value.lower() in ("1", "true", "yes", "on"):
            return True
        if value.lower() in ("0", "false", "no", "off"):
            return False
        raise InvalidRequest(f'{where}: expected true or false, got "{value}".')
    if kind is int and not isinstance(value, bool):
        try:
            return int(value)
        except (TypeError, ValueError):
            raise InvalidRequest(f'{where}: expected a number, got "{value}".') from None
    if kind is float and not isinstance(value, bool):
        try:
            return float(value)
        except (TypeError, ValueError):
            raise InvalidRequest(f'{where}: expected a number, got "{value}".') from None
    if kind is Path:
        return Path(value).expanduser()
    if kind is not None and not isinstance(value, kind):
        raise InvalidRequest(f"{where}: expected {kind.__name__}, got {value!r}.")
    return value
