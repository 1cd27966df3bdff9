"""What one step of a conversation asks for, collected in order by all its parts; and the ids they draw.

Ids: the user's turns and the agent's turns draw from one counter, so what is sent never goes back. A message that the
agent's ``client_events`` leave out is shown to those who watch at most, and once the client has gone nothing is sent.
"""

from __future__ import annotations

import hashlib

from parola.conversation.actions import Action, Record, Send, Show, Warn
from parola.conversation.transcript import Transcript
from parola.protocol.messages import ServerMessage
from parola.protocol.server_messages import SHOWN_TO_WATCHERS, Audio, ClientEventFilter


class Outgoing:
    """Filled by the parts of a conversation, emptied once per event."""

    __slots__ = (
        *("_actions", "_conversation_id", "_events", "_last_call", "_transcript"),
        *("is_hushed", "is_unheard", "last_event_id"),
    )

    def __init__(self, conversation_id: str, events: ClientEventFilter, transcript: Transcript) -> None:
        self._conversation_id = conversation_id
        self._events = events
        self._transcript = transcript
        self._actions: list[Action] = []
        self._last_call = 0
        self.last_event_id = 0
        self.is_hushed = False
        """The client has gone: nothing is sent any more, all is still recorded."""
        self.is_unheard = False
        """The client is away and may come back: sound is for nobody."""

    def ask(self, action: Action) -> None:
        self._actions.append(action)

    def send(self, message: ServerMessage) -> None:
        if self.is_hushed or (self.is_unheard and isinstance(message, Audio)):
            return
        if self._events.passes(message.event_type):
            self._actions.append(Send(message))
        elif message.event_type in SHOWN_TO_WATCHERS:
            self._actions.append(Show(message.wire()))

    def is_asked_for(self, event_type: str) -> bool:
        """The client gets messages of this type."""
        return not self.is_hushed and self._events.passes(event_type)

    def record(self, *indexes: int) -> None:
        """Keep turns as they stand now."""
        self._actions += [Record(index, self._transcript.turn(index)) for index in indexes]

    def warn(self, message: str) -> None:
        self._actions.append(Warn(message))

    def take(self) -> list[Action]:
        """Everything since the last ``take``."""
        actions, self._actions = self._actions, []
        return actions

    def next_event_id(self) -> int:
        self.last_event_id += 1
        return self.last_event_id

    def next_call_id(self, name: str) -> str:
        """Looks random, and is the same whenever the conversation is played again."""
        self._last_call += 1
        digest = hashlib.blake2s(f"{self._conversation_id}:{self._last_call}".encode(), digest_size=16)
        return f"{name}_{digest.hexdigest()}"
