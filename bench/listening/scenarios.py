"""The scenario file, read and checked; its calls, composed of recordings, voices and noises."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from bench.listening import sounds
from bench.listening.corpus import Clip
from bench.listening.sounds import RATE, Samples
from bench.listening.stage import Call

FILE = Path(__file__).with_name("scenarios.toml")

Kind = Literal["turn", "stay", "yield"]

KEYS = frozenset(
    "name same kind by what headline says pause telephone background late agent_asks decibels echo voices first "
    "filter".split()
)
NOISES: Mapping[str, Callable[[int], Samples]] = {"cough": sounds.cough, "click": sounds.click, "door": sounds.door}
STEADY: Mapping[str, Callable[[float, int], Samples]] = {"white": sounds.white, "street": sounds.street}

SPEAKS_FIRST_SECONDS = 2.2
"""How long the agent has been speaking when something comes over its voice."""
ANSWERED_SECONDS = 3.2
"""Between the end of what the caller said first and what comes over the answer."""
PAUSE_AT = (0.45, 0.6, 0.35)
"""Near which part of an utterance a pause is put in; taken in turn."""


class WrongScenario(Exception):
    """The file makes no sense; the message says where."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One entry of the file."""

    name: str
    kind: Kind
    by: str
    """``human`` or ``synthetic``."""
    what: str
    says: tuple[Any, ...]
    headline: bool = False
    """Counts for the target of cut-off turns."""
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """One call of a scenario, and what is true of it."""

    scenario: Scenario
    name: str
    call: Call
    words: str
    starts_at: float
    """The first audible sample of the caller; from the beginning of ``call.user``."""
    ends_at: float
    """The last."""
    voice: str = "heart"
    """The agent's."""
    looked_at_from: float = -1000.0
    """What happened before is not looked at."""


Speak = Callable[[str, str], Clip]
"""(words, voice) → the embedded voice saying them."""


def read(path: Path = FILE) -> tuple[str, list[Scenario]]:
    """(what the agent says when it speaks first, the scenarios). Raises ``WrongScenario``."""
    document = tomllib.loads(path.read_text("utf-8"))
    found: dict[str, dict[str, Any]] = {}
    scenarios: list[Scenario] = []
    for entry in document["scenarios"]:
        name = entry.get("name", "without a name")
        if unknown := set(entry) - KEYS:
            raise WrongScenario(f"{name}: unknown {', '.join(sorted(unknown))}")
        if name in found:
            raise WrongScenario(f"{name}: there are two of this name")
        if "same" in entry:
            if entry["same"] not in found:
                raise WrongScenario(f"{name}: there is no {entry['same']} before it")
            entry = {**found[entry["same"]], **entry}
        found[name] = entry
        if missing := {"kind", "by", "what", "says"} - set(entry):
            raise WrongScenario(f"{name}: it has no {', '.join(sorted(missing))}")
        if entry["kind"] not in ("turn", "stay", "yield") or entry["by"] not in ("human", "synthetic"):
            raise WrongScenario(f"{name}: kind {entry['kind']}, by {entry['by']}?")
        scenarios.append(
            Scenario(
                name,
                entry["kind"],
                entry["by"],
                entry["what"],
                tuple(entry["says"]),
                entry.get("headline", False),
                {key: value for key, value in entry.items() if key in KEYS},
            )
        )
    return " ".join(document["agent_says"].split()), scenarios


def cases(scenario: Scenario, agent_says: str, clips: Mapping[str, Clip], speak: Speak) -> Iterator[Case]:
    """Every call of a scenario."""
    options = scenario.options
    echo = options.get("echo")
    for index, says in enumerate(scenario.says):
        clip = _composed(says, clips, speak)
        user = clip.samples
        if pause := options.get("pause"):
            user = sounds.interrupted(user, PAUSE_AT[index % len(PAUSE_AT)], pause)
        starts_at, ends_at = sounds.sounding(user)
        if decibels := options.get("decibels"):
            user = sounds.louder(user, decibels)
        looked_at_from = -1000.0
        if first := options.get("first"):
            before = sounds.joined(clips[first].samples, sounds.silence(ANSWERED_SECONDS))
            looked_at_from = len(before) / RATE
            starts_at, ends_at = starts_at + looked_at_from, ends_at + looked_at_from
            user = sounds.joined(before, user)
        rooms: list[tuple[str, Samples | None]] = [("", None)]
        if echo is not None:
            rooms = [(f" {delay:.2f}", _echo(delay, index, echo["decibels"])) for delay in echo["delays"]]
        for voice in options.get("voices", ("heart",)):
            for suffix, room in rooms:
                yield Case(
                    scenario,
                    f"{clip.name} {voice}{suffix}".strip() if suffix else clip.name,
                    _call(scenario, user, agent_says, index, room, clips),
                    clip.words,
                    starts_at,
                    ends_at,
                    voice,
                    looked_at_from,
                )


def _echo(delay: float, index: int, decibels: float) -> Samples:
    return sounds.louder(sounds.room(delay, seed=index + 1), decibels)


def _call(
    scenario: Scenario,
    user: Samples,
    agent_says: str,
    index: int,
    room: Samples | None,
    clips: Mapping[str, Clip],
) -> Call:
    options = scenario.options
    asks = options.get("agent_asks", "")
    common: dict[str, Any] = {
        "background": _background(options.get("background"), index, clips),
        "echo": room,
        "filters_background": options.get("filter", False),
        "is_telephone": options.get("telephone", False),
        "late_packets": index + 1 if options.get("late") else 0,
    }
    if scenario.kind == "turn":
        # After a question the caller waits until it has been asked, and a moment longer.
        return Call(user, asks, after_seconds=3.0 if asks else 0.6, **common)
    if options.get("first"):
        return Call(user, agent_answers=agent_says, wait_seconds=5.0, **common)
    return Call(user, agent_says, after_seconds=SPEAKS_FIRST_SECONDS, wait_seconds=5.0, **common)


def _background(described: Mapping[str, Any] | None, index: int, clips: Mapping[str, Clip]) -> Samples | None:
    """What goes on all the time: a noise, or somebody else."""
    match described:
        case None:
            return None
        case {"clip": str(name), "decibels": decibels}:
            # Each call hears another part of it first.
            return sounds.louder(np.roll(clips[name].samples, -index * RATE), decibels)
    return _steady({**described, "seconds": 20, "seed": index + 1})


def _composed(says: Any, clips: Mapping[str, Clip], speak: Speak) -> Clip:
    """A clip, or clips and pauses in a row."""
    parts = says if isinstance(says, list) else [says]
    made = [_part(part, clips, speak) for part in parts]
    return Clip(
        " ".join(clip.name for clip in made if clip.name),
        " ".join(clip.words for clip in made if clip.words),
        sounds.joined(*(clip.samples for clip in made)),
        all(clip.is_human for clip in made),
    )


def _part(part: Any, clips: Mapping[str, Clip], speak: Speak) -> Clip:
    match part:
        case int() | float():
            return Clip("", "", sounds.silence(part))
        case str():
            if part not in clips:
                raise WrongScenario(f"there is no recording {part}")
            return clips[part]
        case {"say": str(words)}:
            return speak(words, part.get("voice", "heart"))
        case {"hum": str(name), "seconds": seconds}:
            return Clip(f"hum {name} {seconds}", "", sounds.hum(clips[name].samples, seconds))
        case {"noise": str(noise)}:
            seed = part.get("seed", 1)
            sound = _steady(part) if noise in STEADY else NOISES[noise](seed)
            return Clip(f"{noise} {seed}", "", sound, is_human=False)
    raise WrongScenario(f"{part!r} is nothing that can be said")


def _steady(described: Mapping[str, Any]) -> Samples:
    seconds, seed = float(described["seconds"]), int(described.get("seed", 1))
    sound = sounds.louder(STEADY[described["noise"]](seconds, seed), described.get("decibels", 0.0))
    return sounds.faded(sound, 0.1)
