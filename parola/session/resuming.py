"""A conversation that may go on over another connection: its tokens, and what of the text a client has missed.

A token is good for one connection: with each a new one is given out (``x_resume_token`` of the metadata), and only the
last one counts. Only digests are kept, in memory, as long as the conversation lives.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import deque
from hmac import compare_digest
from typing import Any

from parola.conversation.actions import NoteLoss, NoteReturn
from parola.errors import ConversationRefused
from parola.protocol.messages import ServerMessage
from parola.protocol.server_messages import ClientToolCall, ConversationInitiationMetadata

MOST_KEPT = 1000
"""Messages of text that can be sent again; older ones are in the record."""

PASSING = frozenset(
    {
        *("audio", "ping", "vad_score", "internal_turn_probability", "internal_tentative_agent_response"),
        *("tentative_user_transcript", "agent_typing", "conversation_initiation_metadata"),
    }
)
"""What means nothing a moment later: never sent again."""

REFUSED = 1008
"""Close code of a connection that may not go on with a conversation."""

REPLACED = 4001
"""Close code of the old connection when the client has come over another one."""

REPLACED_REASON = "The conversation goes on over another connection"

GONE = "There is no such conversation to go on with: it has ended, or the time has passed."

LOST, RESUMED = "x_connection_lost", "x_connection_resumed"


class Resumption:
    """One conversation's."""

    def __init__(self, window_seconds: float) -> None:
        self.window_seconds = window_seconds
        self._token = ""
        self._used: deque[bytes] = deque(maxlen=MOST_KEPT)
        self._sent: deque[ServerMessage] = deque(maxlen=MOST_KEPT)
        self._draw()

    def _draw(self) -> None:
        self._token = secrets.token_urlsafe(32)

    def greeting(self, metadata: ConversationInitiationMetadata) -> ConversationInitiationMetadata:
        """As this connection's client gets it. Nobody else may see it."""
        window = self.window_seconds
        return metadata.model_copy(update={"x_resume_token": self._token, "x_resume_window_secs": window})

    def take(self, token: str) -> None:
        """Use up the token of the last connection, and draw that of the next. Raises ``ConversationRefused``."""
        digest = _digest(token)
        if compare_digest(digest, _digest(self._token)):
            self._used.append(digest)
            self._draw()
            return
        if digest in self._used:
            raise refused("resume_token has been used: each connection gets a new one in its metadata.")
        raise refused("resume_token is not the one that this conversation gave to its client last.")

    # -- what was sent ------------------------------------------------------------------------------------------------

    def written(self, message: ServerMessage) -> None:
        """This was handed to the network."""
        if lasts(message):
            self._sent.append(message)

    def missed(self, last_event_id: int | None) -> list[ServerMessage]:
        """What was handed to the network and has a higher id than the client has seen. None: it does not say."""
        if last_event_id is None:
            return []
        return [message for message in self._sent if (_event_id(message) or 0) > last_event_id]


def lasts(message: ServerMessage) -> bool:
    """Still worth sending when the client is back. Calls of its tools are asked again by the conversation."""
    if isinstance(message, ClientToolCall):
        return not message.expects_response
    return message.event_type not in PASSING


def refused(why: str) -> ConversationRefused:
    """``why``: a sentence for the developer of the client."""
    return ConversationRefused(REFUSED, "resume_refused", why)


def noted_connection(action: NoteLoss | NoteReturn) -> dict[str, Any]:
    """As the event log and the record have it."""
    match action:
        case NoteLoss():
            about = {"code": action.code, "reason": action.reason, "window_secs": action.window_seconds}
            return {"type": LOST, f"{LOST}_event": about}
        case NoteReturn():
            return {"type": RESUMED, f"{RESUMED}_event": {"away_secs": round(action.away_seconds, 3)}}


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _event_id(message: ServerMessage) -> int | None:
    event_id = getattr(message, "event_id", None)
    return None if event_id is None else int(event_id)
