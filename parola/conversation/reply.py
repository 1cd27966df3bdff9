"""The agent's side: what a reply says, when it is played, and what of it the caller has heard.

The playback clock is arithmetic: a chunk starts when it was sent or when the chunk before it ends, whichever is
later. What was heard follows from that clock and the alignment the voice gave; a voice without alignment is taken to
speak evenly. ``agent_turn.py`` tells all of it to the client.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from parola.conversation.events import ReplyText, SentenceStarted
from parola.conversation.timeline import AgentTimeline
from parola.providers.base import Alignment

CHARACTERS_PER_SECOND = 15.0
"""How fast a voice speaks, when only part of a sentence's audio is known."""

DANGLING = " \t\n.,;:-–—"
"""What a text that breaks off does not end with."""


@dataclass(slots=True)
class Playback:
    """When the client will have played everything it was sent. It plays audio as it comes, without gaps."""

    client_can_be_cut: bool
    """It drops what it holds when it is told of an interruption."""
    ends_at: float = 0.0

    def queue(self, now: float, seconds: float) -> float:
        """When audio sent now will start to play; the clock moves past it."""
        start = max(now, self.ends_at)
        self.ends_at = start + seconds
        return start

    def cut(self, now: float) -> float:
        """Nothing more of it is wanted: until when will it have been heard?"""
        if self.client_can_be_cut:
            self.ends_at = min(self.ends_at, now)
        return max(now, self.ends_at)


@dataclass(slots=True)
class Sentence:
    """A stretch of text and when its audio plays."""

    text: str
    spoken_from: tuple[int, ...] = ()
    """For each spoken character the written one it comes from; empty: spoken as written."""
    chunks: list[tuple[float, float]] = field(default_factory=list)
    """(start, seconds) of each chunk, on the monotonic clock."""
    char_starts: list[float] = field(default_factory=list)
    chars: list[str] = field(default_factory=list)
    is_complete: bool = False

    def play(self, start: float, seconds: float, alignment: Alignment | None) -> None:
        self.chunks.append((start, seconds))
        if alignment is not None:
            self.chars.extend(alignment.chars)
            self.char_starts.extend(start + offset for offset in alignment.starts)

    def heard_characters(self, now: float) -> int:
        """How many characters of ``text`` have been spoken, cut back to whole words."""
        if not self.chunks:
            return len(self.text) if self.is_complete else 0  # nothing in it can be spoken: an emoji, a dash
        end = self.chunks[-1][0] + self.chunks[-1][1]
        if now >= end and self.is_complete:
            return len(self.text)
        length = len(self.spoken_from) or len(self.text)
        if self.chars:
            spoken = "".join(char for char, start in zip(self.chars, self.char_starts, strict=True) if start <= now)
            count = len(spoken)
            if not self.spoken_from and not self.chars[0].isspace():
                count += len(self.text) - len(self.text.lstrip())
        else:
            played = sum(min(max(now - start, 0.0), seconds) for start, seconds in self.chunks)
            total = sum(seconds for _, seconds in self.chunks)
            if not self.is_complete:
                total = max(total, length / CHARACTERS_PER_SECOND)
            count = int(length * played / total)
        return _whole_words(self.text, self._written(count))

    def _written(self, spoken: int) -> int:
        """Up to where the text is heard when so many characters have been spoken: to where the next one stands."""
        if not self.spoken_from:
            return min(spoken, len(self.text))
        return self.spoken_from[spoken] if spoken < len(self.spoken_from) else len(self.text)


def _whole_words(text: str, count: int) -> int:
    """Cut ``count`` back to where a word ends: a word half spoken was not heard. Where words are written without
    spaces between them, every character is one."""
    if count >= len(text):
        return count
    while count > 0 and not (_is_border(text[count]) or _is_border(text[count - 1])):
        count -= 1
    return count


def _is_border(character: str) -> bool:
    if character.isspace():
        return True
    return "\u3000" <= character <= "\u9fff" or "\uac00" <= character <= "\ud7af" or "\uff00" <= character <= "\uffef"


@dataclass(slots=True)
class Reply:
    """One message of the agent: one step of the model, or a sentence said verbatim."""

    number: int
    entry: int
    """Where it stands in the transcript."""
    times: AgentTimeline
    is_spoken: bool = True
    """False in text conversations: what was sent was read."""
    is_verbatim: bool = False
    text: str = ""
    was_sent: bool = False
    """The client has got something of it."""
    is_written: bool = False
    """The model has finished; ``agent_response`` has been sent."""
    is_told: bool = False
    """Everything, audio included, has been sent."""
    is_made: bool = False
    """Nobody works on it any more: there is nothing to stop."""
    parts_started: bool = False
    stretches: list[tuple[str | None, str]] = field(default_factory=list)
    """The text by who says it: (label of a further voice, words)."""
    sentences: list[Sentence] = field(default_factory=list)

    def write(self, event: ReplyText) -> None:
        self.text += event.text
        if self.stretches and self.stretches[-1][0] == event.voice_label:
            self.stretches[-1] = (event.voice_label, self.stretches[-1][1] + event.text)
        else:
            self.stretches.append((event.voice_label, event.text))

    def sentence(self, event: SentenceStarted) -> None:
        if self.sentences:
            self.sentences[-1].is_complete = True
        self.sentences.append(Sentence(event.text, event.spoken_from))

    def play(self, start: float, seconds: float, alignment: Alignment | None) -> None:
        if not self.sentences:
            self.sentences.append(Sentence(self.text))
        self.sentences[-1].play(start, seconds, alignment)

    def finish(self) -> None:
        self.is_told = True
        if self.sentences:
            self.sentences[-1].is_complete = True

    def heard(self, until: float) -> str:
        """The words that have reached the caller by then."""
        if not self.is_spoken:
            return self.text.strip()
        heard = ""
        for sentence in self.sentences:
            count = sentence.heard_characters(until)
            heard += sentence.text[:count]
            if count < len(sentence.text):
                return heard.strip()
        return (self.text if self.is_told else heard).strip()

    def unheard(self, heard: str) -> str:
        """The text after what was heard, each voice's words in its tags again, as the model wrote them."""
        skipped = len(self.text) - len(self.text.lstrip()) + len(heard)
        rest: list[str] = []
        for label, words in self.stretches:
            if said := words[skipped:].strip():
                rest.append(said if label is None else f"<{label}>{said}</{label}>")
            skipped = max(0, skipped - len(words))
        return " ".join(rest)

    def metrics(self) -> dict[str, float]:
        """What took how long, by the platform's names."""
        times = self.times
        spans = {
            "convai_asr_trailing_service_latency": (times.user_stopped_at, times.user_transcribed_at),
            "convai_tts_service_ttfb": (times.first_sentence_at, times.first_audio_at),
        }
        if not self.is_verbatim:
            spans["convai_llm_service_ttfb"] = (times.asked_at, times.first_text_at)
            spans["convai_llm_service_ttf_sentence"] = (times.asked_at, times.first_sentence_at)
        return {name: end - start for name, (start, end) in spans.items() if start is not None and end is not None}


def broken_off(heard: str) -> str:
    """How a text that was cut reads in the record, for the client and for the model; empty when nothing was heard."""
    heard = heard.rstrip(DANGLING)
    return f"{heard}..." if heard else ""
