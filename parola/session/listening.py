"""Audio in, facts about speech out: frames → voice activity → utterances → speech to text.

No decision is made here. The caller's audio is cut into windows; a window that is too quiet to be speech is scored
without asking the model; the scores make utterances (``Segmenter``); each pause has the words of the turn so far
transcribed, and the turn detector asked whether it sounds like the end. What an utterance means, and whether the turn
is over, the conversation decides.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parola.conversation.events import (
    Event,
    ListeningFailed,
    SpeechScored,
    SpeechStarted,
    SpeechStopped,
    TranscriptUpdated,
    TurnEndPredicted,
)
from parola.errors import ParolaError
from parola.logs import logger, reason
from parola.providers.base import SpeechToText, Transcript, TranscriptionSettings
from parola.session.attention import Attention
from parola.session.turn_detection import SharedTurnDetector
from parola.session.voice_activity import SharedVoiceActivity

log = logger(__name__)

SPEECH_PROBABILITY = 0.5
SILENCE_PROBABILITY = 0.35
"""Below this a window is silence; between the two it continues what was."""

START_SECONDS = 0.09
"""Speech this long begins an utterance."""

STOP_SECONDS = 0.2
"""Silence this long ends one."""

EARLY_SECONDS = 0.1
"""Silence after which the words are looked for already, where that is cheap: mostly it is the end of the utterance, and
they are there when it is certain."""

GOES_ON = (",", "-", "...", "…")
"""Audio that ends with its last sound reads as if it went on: such words are looked for again, with the silence."""

LEAD_SECONDS = 0.3
"""Audio from before the start that belongs to the utterance: its first sounds are quiet."""

WITHHELD_SECONDS = 0.7
"""So far back a voice may have begun that was held back, because nobody knew at once whose it was."""

STALL_SECONDS = 0.6
"""No audio for so long while someone speaks counts as silence: clients that mute may stop sending."""

SETTLE_SECONDS = 8.0
"""Words of so much audio are not asked for again."""

SHORTEST_SECONDS = 0.16
"""Less speech than this in a whole turn is a click or a cough, and models hear words in those."""

NO_SPEECH_PROBABILITY = 0.05
"""Below this the window tells how loud the line is when nobody speaks."""


class Segmenter:
    """Turns scored windows into utterances. Its clock is the audio itself: it counts windows."""

    __slots__ = ("_quiet", "_run", "is_resuming", "is_speech", "start_windows", "stop_windows")

    def __init__(self, window_seconds: float) -> None:
        self.start_windows = max(1, round(START_SECONDS / window_seconds))
        self.stop_windows = max(1, round(STOP_SECONDS / window_seconds + 0.5))
        self.is_speech = False
        self.is_resuming = False
        """A turn is open: who has just spoken needs no time to be believed, and must not be cut off by it."""
        self._run = 0
        self._quiet = 0

    def score(self, probability: float) -> str | None:
        """``started``, ``stopped`` or None. At ``started`` speech began ``run`` windows ago, at ``stopped`` it ended
        ``quiet`` windows ago, the present one included."""
        if not self.is_speech:
            self._run = self._run + 1 if probability > SPEECH_PROBABILITY else 0
            if self._run < self.needed_windows:
                return None
            self.is_speech, self._quiet = True, 0
            return "started"
        if probability >= SILENCE_PROBABILITY:
            self._quiet = 0
            return None
        self._quiet += 1
        if self._quiet < self.stop_windows:
            return None
        self.is_speech, self._run, self.is_resuming = False, 0, True
        return "stopped"

    @property
    def needed_windows(self) -> int:
        """Of speech, before it is an utterance."""
        return 1 if self.is_resuming else self.start_windows

    def disown(self, run: int) -> None:
        """Only the newest ``run`` windows of what sounds like speech are the caller's, the present one included."""
        self._run = run

    @property
    def run(self) -> int:
        return self._run

    @property
    def quiet(self) -> int:
        return self._quiet

    @property
    def is_idle(self) -> bool:
        """Nothing that sounds like speech is going on: a quiet window needs no model."""
        return not self.is_speech and self._run == 0


class Windows:
    """Cuts audio that comes in any length into windows of one size."""

    __slots__ = ("_begin", "_buffer", "_end", "_size", "buffered")

    def __init__(self, size: int) -> None:
        self._size = size
        self._buffer = np.empty(4 * size, np.int16)
        self._begin = self._end = 0
        self.buffered = 0
        """Samples that are in no window yet."""

    def add(self, samples: NDArray[np.int16]) -> None:
        end = self._end + len(samples)
        if end > len(self._buffer):
            rest = self._buffer[self._begin : self._end]
            end = len(rest) + len(samples)
            if end > len(self._buffer):
                self._buffer = np.empty(2 * end, np.int16)
            self._buffer[: len(rest)] = rest
            self._begin = 0
        self._buffer[end - len(samples) : end] = samples
        self._end = end
        self.buffered = end - self._begin

    def take(self) -> NDArray[np.int16]:
        """The next window; there must be one."""
        begin = self._begin
        self._begin = begin + self._size
        self.buffered -= self._size
        return self._buffer[begin : self._begin].copy()


class Listening:
    """One conversation's ear. Fed by the socket's reader, on the event loop."""

    def __init__(
        self,
        stt: SpeechToText,
        settings: TranscriptionSettings,
        activity: SharedVoiceActivity,
        tell: Callable[[Event], None],
        *,
        turns: SharedTurnDetector | None = None,
        attention: Attention | None = None,
        tell_scores: bool = False,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._context = copy_context()
        self._tell = tell
        self._attention = attention or Attention()
        self._tell_scores = tell_scores
        self._activity = activity
        self._size = activity.detector.window
        self._seconds = self._size / activity.detector.sample_rate
        self._segmenter = Segmenter(self._seconds)
        self._stt = stt
        self._settings = settings
        self._stream = stt.open(settings)
        self._next_language: str | None = None
        """What the next turn will be transcribed in, when that changes."""
        self._windows = Windows(self._size)
        self._taken = 0
        """Samples that went into windows."""
        self._heard_at = 0.0
        """When the newest sample arrived."""
        self._lead_windows = max(1, round(LEAD_SECONDS / self._seconds))
        self._most_withheld = round(WITHHELD_SECONDS / self._seconds)
        self._lead: deque[bytes] = deque(maxlen=self._lead_windows + self._most_withheld)
        self._withheld = 0
        """How many windows ago a voice began that was held back; 0: none was lately."""
        self._pcm = b""
        self._is_scoring = False
        self._stall: asyncio.TimerHandle | None = None
        self._turn = 0
        self._speech_windows = 0
        self._sent = 0
        """Windows in the stream."""
        self._settled = ""
        """Words of the turn whose audio is not in the stream any more."""
        self._turns = turns
        windows = round(turns.detector.seconds / self._seconds) if turns is not None else 0
        self._recent: deque[bytes] = deque(maxlen=windows)
        """The end of the turn's audio, for the turn detector."""
        self._prediction: asyncio.Task[None] | None = None
        self._early: asyncio.Task[Transcript] | None = None
        """Words looked for before the end of the utterance was certain."""
        self._early_windows = max(1, round(EARLY_SECONDS / self._seconds))
        self._order = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self.window: NDArray[np.float32] = np.zeros(self._size, np.float32)
        self.vad_state: Any = activity.detector.new_state()
        activity.listeners += 1

    # -- audio in -----------------------------------------------------------------------------------------------------

    def feed(self, samples: NDArray[np.int16]) -> None:
        """Take in audio at the detector's rate, any length."""
        self._heard_at = self._loop.time()
        if len(samples):
            self._windows.add(samples)
            self._attention.arrived(self._taken + self._windows.buffered, self._heard_at)
        if not self._is_scoring:
            self._next_window()

    def _next_window(self) -> None:
        """Score windows until there are none, or until one has to wait for the model."""
        while self._windows.buffered >= self._size:
            window = self._windows.take()
            self._pcm = window.tobytes()
            self._taken += self._size
            self._attention.take(window, self._taken)
            if self._segmenter.is_idle and self._attention.is_quiet():
                self._judge(0.0)
                continue
            self.window = self._attention.loudness.scaled(window)
            self._is_scoring = True
            self._activity.submit(self)
            return

    def scored(self, probability: float) -> None:
        self._is_scoring = False
        if probability < NO_SPEECH_PROBABILITY and self._segmenter.is_idle:
            self._attention.was_no_speech()
        self._judge(probability)
        self._next_window()

    def failed(self, error: Exception) -> None:
        self._is_scoring = False
        self._context.run(log.error, "voice_activity_failed", error=reason(error))
        self._tell(ListeningFailed(f"Voice activity detection failed: {error}"))

    # -- utterances ---------------------------------------------------------------------------------------------------

    def _judge(self, probability: float) -> None:
        is_own = self._is_own(probability)
        if not is_own:
            probability = 0.0
        if self._tell_scores:
            self._tell(SpeechScored(probability))
        was_speech = self._segmenter.is_speech
        change = self._segmenter.score(probability) if is_own or was_speech else None
        if self._segmenter.is_speech and probability > SPEECH_PROBABILITY:
            self._speech_windows += 1 if was_speech else self._segmenter.run
            self._attention.spoke(1 if was_speech else self._segmenter.run)
        if was_speech:
            self._stream.send(self._attention.loudness.applied(self._pcm))
            self._sent += 1
            self._recent.append(self._pcm)
        else:
            self._lead.append(self._pcm)
            if self._withheld:
                self._withheld = (self._withheld + 1) % (self._most_withheld + 1)
        if change is None:
            self._look_ahead()
            return
        # The end of the present window lies this far before the newest sample.
        end = self._heard_at - self._windows.buffered / self._activity.detector.sample_rate
        if change == "started":
            if self._attention.hears_echo:
                self._mute_lead(self._segmenter.run + 1)
            lead = list(self._lead)[-self._lead_windows - self._withheld :]
            self._stream.send(self._attention.loudness.applied(b"".join(lead)))
            self._sent += len(lead)
            self._recent.extend(lead)
            self._lead.clear()
            self._withheld = 0
            self._drop_prediction()
            self._tell(SpeechStarted(end - self._segmenter.run * self._seconds))
            self._watch()
        else:
            self._stopped(end - self._segmenter.quiet * self._seconds)

    def _is_own(self, probability: float) -> bool:
        """Whether what sounds like speech, and would begin an utterance or prolong it, is the caller's."""
        segmenter, attention = self._segmenter, self._attention
        if segmenter.is_speech:
            if probability < SILENCE_PROBABILITY or attention.own_words(1):
                return True
            if attention.hears_echo:
                self._pcm = bytes(len(self._pcm))
            return False
        run = segmenter.run + 1
        if probability <= SPEECH_PROBABILITY or run < segmenter.needed_windows:
            return True
        own = attention.own_words(run)
        if own < run:
            segmenter.disown(own)
            if attention.is_undecided and not self._withheld:
                self._withheld = run
        return own >= run

    def _mute_lead(self, but: int) -> None:
        """The agent's own words are not the caller's: silence, up to the last few windows."""
        count = max(0, len(self._lead) - but)
        for place in range(count):
            self._lead[place] = bytes(2 * self._size)

    def _stopped(self, at: float) -> None:
        self._tell(SpeechStopped(at))
        self._begin(self._transcribe(self._turn))
        if self._turns is not None and self._has_speech:
            self._prediction = self._begin(self._predict(self._turns, b"".join(self._recent)))

    def _look_ahead(self) -> None:
        """Transcribe on a silence that may be the end of the utterance; what comes of it counts if it is."""
        if not self._segmenter.is_speech or not self._stt.capabilities.partials:
            return
        if self._segmenter.quiet == self._early_windows and self._early is None and self._has_speech:
            self._early = self._loop.create_task(self._stream.transcribe(), context=self._context)
            self._early.add_done_callback(_retrieved)
        elif self._segmenter.quiet == 0:
            self._drop_early()

    def _drop_early(self) -> None:
        if self._early is not None:
            self._early.cancel()
            self._early = None

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        # A window may be scored in the turn of another call: the log is to say whose work this is.
        task = self._loop.create_task(work, context=self._context)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _watch(self) -> None:
        """While someone speaks, audio must keep coming."""
        if self._stall is None:
            self._stall = self._loop.call_later(STALL_SECONDS, self._look)

    def _look(self) -> None:
        self._stall = None
        if not self._segmenter.is_speech:
            return
        due = self._heard_at + STALL_SECONDS
        if self._loop.time() < due:
            self._stall = self._loop.call_at(due, self._look)
            return
        heard_at = self._heard_at
        # The turn detector knows an end by the pause after it.
        self._recent.extend([bytes(2 * self._size)] * self._segmenter.stop_windows)
        self._segmenter = Segmenter(self._seconds)
        self.vad_state = self._activity.detector.new_state()
        self._stopped(heard_at)

    @property
    def _has_speech(self) -> bool:
        return self._speech_windows * self._seconds >= SHORTEST_SECONDS

    # -- the end of the turn ------------------------------------------------------------------------------------------

    async def _predict(self, turns: SharedTurnDetector, pcm: bytes) -> None:
        probability = await turns.predict(pcm)
        if probability is not None:
            self._tell(TurnEndPredicted(probability))

    def _drop_prediction(self) -> None:
        """The pause it was asked about is over, or its turn."""
        if self._prediction is not None:
            self._prediction.cancel()
            self._prediction = None

    # -- words --------------------------------------------------------------------------------------------------------

    async def _transcribe(self, turn: int) -> None:
        """Tell the words of the turn so far; in the order of the pauses, once for each."""
        async with self._order:
            if turn != self._turn:
                return
            if not self._has_speech:
                self._tell(TranscriptUpdated(""))
                return
            sent = self._sent
            early, self._early = self._early, None
            try:
                transcript = await early if early is not None else None
                if transcript is None or transcript.text.rstrip().endswith(GOES_ON):
                    transcript = await self._stream.transcribe()
            except ParolaError as error:
                event: Event = ListeningFailed(error.message)
            except Exception as error:
                log.exception("transcription_failed")
                event = ListeningFailed(f"{type(error).__name__}: {error}")
            else:
                event = TranscriptUpdated(self._with_settled(transcript.text))
                if turn == self._turn and sent == self._sent:
                    self._settle(event.text)
            if turn == self._turn:
                self._tell(event)

    def _with_settled(self, text: str) -> str:
        return f"{self._settled} {text.strip()}".strip()

    def _settle(self, text: str) -> None:
        """Somebody who speaks for long is not transcribed from the beginning at each pause: what was said up to a
        pause stands, once it is long enough."""
        if self._sent * self._seconds >= SETTLE_SECONDS:
            self._settled, self._sent = text, 0
            self._stream.reset()

    def transcribe_now(self) -> None:
        """Tell the words so far while the user speaks, unless a transcription is under way already."""
        if self._segmenter.is_speech and not self._order.locked():
            self._begin(self._transcribe_partly(self._turn))

    async def _transcribe_partly(self, turn: int) -> None:
        async with self._order:
            try:
                transcript = await self._stream.transcribe()
            except Exception as error:
                log.warning("partial_transcription_failed", error=reason(error))
                return
            if turn == self._turn and self._segmenter.is_speech:
                self._tell(TranscriptUpdated(self._with_settled(transcript.text), is_partial=True))

    def switch_language(self, language: str) -> None:
        """Transcribe another language, from the next turn on."""
        self._next_language = language

    def forget(self) -> None:
        """The turn has been taken: what comes now begins a new one."""
        self._turn += 1
        self._speech_windows = self._sent = 0
        self._settled = ""
        self._segmenter.is_resuming = False
        self._recent.clear()
        self._drop_prediction()
        self._drop_early()
        self._stream.reset()
        if self._next_language is not None:
            self._begin(self._stream.aclose())
            self._settings = replace(self._settings, language=self._next_language)
            self._stream = self._stt.open(self._settings)
            self._next_language = None

    async def aclose(self) -> None:
        self._activity.listeners -= 1
        if self._stall is not None:
            self._stall.cancel()
        self._drop_early()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stream.aclose()


def _retrieved(task: asyncio.Task[Transcript]) -> None:
    """What went wrong with words that nobody wanted in the end is no news."""
    if not task.cancelled():
        task.exception()
