"""A recording from which personal details are taken out before anything of it may be heard.

While the call runs it is spooled under another name (``.raw``), and what is needed to find words again is remembered:
where each character of the agent's voice lies, when the user spoke. When the call has ended, the stretches that hold a
detail are overwritten with silence, and only then the spool gets its own name. What a killed server leaves raw is
deleted.

The agent's details are found in the characters that its voice is aligned with; where those are missing, all that the
agent said in that turn goes. Speech recognition does not say when which word was spoken: of the user, the whole turn
goes, and of a client that sent faster than one speaks, everything.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from parola.privacy.entities import Found, find
from parola.privacy.names import KnownNames
from parola.privacy.policy import Policy
from parola.protocol.server_messages import Audio
from parola.session.audio import MODEL_RATE, AudioFormat
from parola.session.recording import Recorder
from parola.session.spool import heads
from parola.store.base import raw_of, spool_of

MARGIN_SECONDS = 0.1
"""Around a word of the agent: alignment is only so exact."""

USER_MARGIN_SECONDS = 0.5
"""Around a turn of the user: its beginning is noticed a moment late."""

MOST_AHEAD_SECONDS = 0.4
"""A client that sends faster than anybody speaks, as from a file: when something was said does not tell where in the
recording it is, and all of the user goes."""

Stretch = tuple[float, float]
EVERYTHING: Stretch = (0.0, float("inf"))


@dataclass(slots=True)
class _Spoken:
    """What the agent said under one event id: each character with its begin and end, and the whole."""

    letters: list[tuple[str, float, float]] = field(default_factory=list)
    begin: float = float("inf")
    end: float = 0.0


class SilencedRecorder(Recorder):
    """Writes a spool without the details that the policy names."""

    def __init__(
        self,
        recording: Path,
        output_format: AudioFormat,
        started_at: float,
        policy: Policy,
        policy_now: Callable[[], Policy | None] = lambda: None,
    ) -> None:
        """``policy_now`` is asked at the end: agents that took part later may want more taken out, and names have
        become known."""
        super().__init__(raw_of(recording), output_format, started_at)
        self._recording = recording
        self._policy = policy
        self._policy_now = policy_now
        self._names = KnownNames()
        self._spoken: dict[int, _Spoken] = {}
        self._turns: dict[int, Mapping[str, Any]] = {}
        self._ahead = 0.0
        """Seconds by which the client sent speech before it can have been spoken."""

    def agent_spoke(self, message: Audio, seconds: float, now: float) -> float:
        start = super().agent_spoke(message, seconds, now)
        spoken = self._spoken.setdefault(message.event_id, _Spoken())
        spoken.begin, spoken.end = min(spoken.begin, start), max(spoken.end, start + seconds)
        if (said := message.alignment) is not None:
            spoken.letters += (
                (character, start + begin / 1000, start + (begin + length) / 1000)
                for character, begin, length in zip(
                    said.chars, said.char_start_times_ms, said.char_durations_ms, strict=True
                )
            )
        return start

    def user_spoke(self, pcm: bytes, now: float) -> None:
        super().user_spoke(pcm, now)
        self._ahead = max(self._ahead, self._user_ends_at - (now - self.started_at))

    def turn(self, index: int, turn: Mapping[str, Any]) -> None:
        self._turns[index] = turn

    def close(self) -> None:
        super().close()
        self._policy = self._policy_now() or self._policy
        self._names.add(self._policy.names)
        self._names.heard(self._turns)
        raw = raw_of(self._recording)
        silence(raw, self._of_user(), self._of_agent(), self._format)
        raw.replace(spool_of(self._recording))

    def _of_user(self) -> list[Stretch]:
        stretches: list[Stretch] = []
        for turn in self._turns.values():
            if turn.get("role") == "user" and self._has_details(turn):
                if self._ahead > MOST_AHEAD_SECONDS:
                    return [EVERYTHING]
                times = turn.get("x_timeline") or {}
                begin, end = times.get("speech_started_secs"), times.get("speech_stopped_secs")
                if begin is None:
                    if turn.get("source_medium") == "audio":
                        return [EVERYTHING]
                else:
                    until = float("inf") if end is None else end + USER_MARGIN_SECONDS
                    stretches.append((begin - USER_MARGIN_SECONDS, until))
        return stretches

    def _of_agent(self) -> list[Stretch]:
        texts: dict[int, list[str]] = {}
        for _, turn in sorted(self._turns.items()):
            if turn.get("role") == "agent" and (text := turn.get("original_message") or turn.get("message")):
                texts.setdefault(turn.get("source_event_id") or 0, []).append(text)
        stretches: list[Stretch] = []
        for event_id, spoken in self._spoken.items():
            text = " ".join(texts.get(event_id, ()))
            said = "".join(character for character, _, _ in spoken.letters)
            if not _compact(text).startswith(_compact(said)) or (text and not said):
                # The voice says it in a way of its own, or does not say when.
                if self._details(text) or self._details(said):
                    stretches.append((spoken.begin, spoken.end))
                continue
            # A detail of which only the beginning was said is one all the same: it is looked for in the whole text.
            letters = [letter for letter in spoken.letters if not letter[0].isspace()]
            whole = text or said
            for one in self._details(whole):
                first, last = len(_compact(whole[: one.start])), len(_compact(whole[: one.stop]))
                if first < len(letters):
                    begin, end = letters[first][1], letters[min(last, len(letters)) - 1][2]
                    stretches.append((begin - MARGIN_SECONDS, end + MARGIN_SECONDS))
        return stretches

    def _has_details(self, turn: Mapping[str, Any]) -> bool:
        return bool(self._details(turn.get("message") or ""))

    def _details(self, text: str) -> list[Found]:
        return find(text, self._policy.entities, self._names.names)


def _compact(text: str) -> str:
    return "".join(text.split())


def silence(spool: Path, user: Sequence[Stretch], agent: Sequence[Stretch], output: AudioFormat) -> None:
    """Overwrite stretches of both sides, in seconds from the start of the call, in the file itself."""
    if not user and not agent:
        return
    user_width, agent_width = 2, 1 if output.codec == "ulaw" else 2
    with spool.open("r+b") as file:
        for track, at, place, size in heads(file.fileno()):
            if track in b"UA":
                is_user = track == b"U"
                width, rate = (user_width, MODEL_RATE) if is_user else (agent_width, output.sample_rate)
                quiet = b"\xff" if width == 1 else b"\x00"
                for begin, end in user if is_user else agent:
                    first = max(0, round((max(begin, at) - at) * rate)) * width
                    last = min(size, round((min(end, at + size / width / rate) - at) * rate) * width)
                    if last > first:
                        os.pwrite(file.fileno(), quiet * (last - first), place + first)
