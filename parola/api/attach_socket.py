"""The door of ``/v1/x/conversations/{id}/attach``: come into a conversation that runs, beside its client.

``role=observer`` watches. ``participant`` may also send what clients send, audio aside, and answer client tool calls:
the first answer counts. ``operator`` may moreover send the monitor's commands and, once they have taken over, speak to
the caller: of several operators only who holds the conversation is heard. All of them hear both sides if they want to.
The first frame is ``conversation_initiation_metadata`` of the same conversation, so that an official client can be at
the other end.
"""

from __future__ import annotations

import asyncio
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from parola.api import commanding
from parola.api.monitor_socket import do, end_of, read_object
from parola.api.process import Services
from parola.api.socket_door import ENDED, Door, Visitor, until_first
from parola.api.watching import HistoryComplete, follow, frame, running, type_of
from parola.conversation.commands import AddContext, AnswerTool, Command, UserSays
from parola.errors import ClientError, Conflict, Unprocessable
from parola.protocol.client_messages import (
    ClientToolResult,
    ContextualUpdate,
    ConversationInitiationClientData,
    Feedback,
    InvalidMessage,
    McpToolApprovalResult,
    Pong,
    UserActivity,
    UserAudioChunk,
    UserMessage,
    read,
)
from parola.session.audio import AudioFormat, Converter
from parola.session.event_log import Dropped, Entry
from parola.session.operators import MOST_LINES

if TYPE_CHECKING:
    from parola.session.operator_line import OperatorLine
    from parola.session.session import Session

ATTACH_PATH = "/v1/x/conversations/{conversation_id}/attach"

ROLES = ("observer", "participant", "operator")

MOST_SOUNDS = 400
"""Pieces of sound that wait for a guest to read them, eight seconds or more; then the oldest are dropped."""


class AttachSocket(Door):
    """Watching needs the scope ``monitor``, the other roles ``inject`` too."""

    action = "attach"
    takes_signed_urls = True

    async def welcome(self, visitor: Visitor) -> None:
        role = visitor.query.get("role") or "observer"
        if role not in ROLES:
            raise Unprocessable(f"role: expected one of {', '.join(ROLES)}, got {role[:80]!r}.")
        if role != "observer":
            self.services.keys.require(visitor.caller, "inject")
        session = await running(self.services, visitor.conversation_id)
        await visitor.tell(session.setup.greeting.encode())
        guest = Guest(visitor, session, role, self.services)
        session.glance.attached[role] += 1
        try:
            await until_first(guest.show(), guest.play(), guest.obey())
        finally:
            session.glance.attached[role] -= 1
            guest.leave()
        await visitor.transport.close(ENDED, end_of(session.events))


class Guest:
    """One attached socket."""

    def __init__(self, visitor: Visitor, session: Session, role: str, services: Services) -> None:
        """Raises ``Conflict`` when they want to hear the call at once and cannot."""
        self._visitor = visitor
        self._session = session
        self._role = role
        self._services = services
        self._sounds: deque[str] = deque(maxlen=MOST_SOUNDS)
        self._has_sound = asyncio.Event()
        self._refusal = ""
        """Why their sound is not taken, as they were told last."""
        self._sound = Sound(session, visitor.query.get("audio_format") or "")
        self._seat = commanding.seat(session, visitor.caller, visitor.name, may_hold=role == "operator")
        if visitor.query.get("audio") in ("1", "true"):
            try:
                self._line()
            except Conflict:
                self.leave()
                raise

    def leave(self) -> None:
        self._seat.leave()

    # -- what the guest gets ------------------------------------------------------------------------------------------

    async def show(self) -> None:
        """Everything that came and went, then what comes. Client tools that have been answered are not asked again."""
        answered = _answered(self._session.events.after(0)[1])
        async for item in follow(self._session.events, self._services.metrics):
            match item:
                case HistoryComplete():
                    answered = frozenset()
                    await self._visitor.tell({"type": "history_complete"})
                case Dropped():
                    await self._visitor.tell(frame(item))
                case _ if type_of(item) == "conversation_initiation_metadata":
                    pass  # the guest has it
                case _ if answered and type_of(item) == "client_tool_call" and _call_id(item) in answered:
                    pass
                case _:
                    await self._visitor.tell(frame(item))

    async def play(self) -> None:
        """The sound of the call, for who wants to hear it."""
        while True:
            await self._has_sound.wait()
            self._has_sound.clear()
            while self._sounds:
                await self._visitor.tell(self._sounds.popleft())

    def _heard(self, whose: str, audio: bytes) -> None:
        if not (audio := self._sound.of(whose, audio)):
            return
        kind, about = f"x_{whose}_audio", f'"audio_format":"{self._sound.format_of(whose)}"'
        encoded = b2a_base64(audio, newline=False).decode()
        self._sounds.append(f'{{"type":"{kind}","{kind}_event":{{"audio_base_64":"{encoded}",{about}}}}}')
        self._has_sound.set()

    def _line(self) -> OperatorLine:
        line = self._session.operators.open_line(self._seat, self._heard)
        if line is None:
            reason = (
                f"{MOST_LINES} people hear this conversation already" if self._session.has_sound else "it is a chat"
            )
            raise Conflict(f"There is no sound for you: {reason}.", code="no_audio")
        return line

    # -- what the guest sends -----------------------------------------------------------------------------------------

    async def obey(self) -> None:
        while True:
            kind = ""
            try:
                text = await self._visitor.frame()
                if '"command_type"' in text and "command_type" in read_object(text):
                    if self._role != "operator":
                        raise Unprocessable("Commands need role=operator.", code="not_operator")
                    await do(self._visitor, self._session, self._seat, self._services, text)
                    continue
                message = read(text)
                if message is None:
                    raise Unprocessable("Expected a message that clients send, or a command; got an unknown type.")
                kind = message.event_type
                if isinstance(message, UserAudioChunk):
                    await self._take_sound(message)
                else:
                    await self._take(message)
            except InvalidMessage as error:
                await self._visitor.tell_result(kind, Unprocessable(error.message, code=error.error_type))
            except ClientError as error:
                await self._visitor.tell_result(kind, error)

    async def _take(self, message: Any) -> None:
        command: Command
        match message:
            case Pong() | ConversationInitiationClientData():
                return  # an official client says that; it means nothing here
            case _ if self._role == "observer":
                raise Unprocessable("An observer only watches: attach with role=participant.", code="observer")
            case UserMessage(text=None):
                return
            case UserMessage(text=str(text)):
                if not text.strip():
                    return
                command = UserSays(text)
            case ContextualUpdate():
                command = AddContext(message.text, message.context_id)
            case ClientToolResult():
                command = AnswerTool(message)
            case UserActivity() | Feedback() | McpToolApprovalResult():
                self._session.commands.pass_on(message, self._seat.name)
                return
            case _:
                raise Unprocessable(f"{message.event_type} is for the client itself to send.")
        accepted = await self._session.commands.give(command, self._seat.name)
        await self._visitor.note("command", command=message.event_type)
        await self._visitor.tell_result(message.event_type, event_id=accepted.event_id, x_seq=accepted.seq)

    async def _take_sound(self, chunk: UserAudioChunk) -> None:
        """Only of who has taken over. A microphone sends on, whatever it is told: why nobody hears it is said once."""
        try:
            self._speak(chunk)
        except ClientError as error:
            if error.message != self._refusal:
                self._refusal = error.message
                await self._visitor.tell_result(chunk.event_type, error)
        else:
            self._refusal = ""

    def _speak(self, chunk: UserAudioChunk) -> None:
        if self._role != "operator":
            raise Unprocessable("Sound is the client's, and an operator's: attach with role=operator.", code="no_audio")
        if not self._session.has_sound:
            raise Conflict("There is no sound for you: it is a chat.", code="no_audio")
        self._session.may_speak(self._seat.name)
        try:
            audio = a2b_base64(chunk.user_audio_chunk, strict_mode=True)
        except (Base64Error, ValueError):
            raise Unprocessable("user_audio_chunk: expected base64 audio.") from None
        if audio := self._sound.from_guest(audio):
            self._line().speak(audio)


class Sound:
    """In which format a guest hears and speaks: that of the conversation, or one they ask for."""

    def __init__(self, session: Session, asked: str) -> None:
        """Raises ``InvalidRequest`` when there is no such format."""
        setup = session.setup
        self._formats = {"user": asked or setup.input_format, "agent": asked or setup.output_format}
        self._to_guest: dict[str, Converter] = {}
        self._from_guest: Converter | None = None
        if asked:
            wanted, spoken = AudioFormat.parse(asked), AudioFormat.parse(setup.input_format)
            self._to_guest = {
                "user": Converter(spoken, wanted),
                "agent": Converter(AudioFormat.parse(setup.output_format), wanted),
            }
            self._from_guest = Converter(wanted, spoken)

    def format_of(self, whose: str) -> str:
        return self._formats[whose]

    def of(self, whose: str, audio: bytes) -> bytes:
        """What the guest gets of it; nothing yet, when too little has come."""
        return self._to_guest[whose].convert(audio) if self._to_guest else audio

    def from_guest(self, audio: bytes) -> bytes:
        """In the conversation's input format."""
        return audio if self._from_guest is None else self._from_guest.convert(audio)


def _answered(entries: Sequence[Entry]) -> frozenset[str]:
    """Calls that have their results."""
    return frozenset(_call_id(entry) for entry in entries if type_of(entry) == "agent_tool_response")


def _call_id(entry: Entry) -> str:
    event = entry.event
    about = event.get(event["type"])
    return str(about.get("tool_call_id")) if isinstance(about, dict) else ""
