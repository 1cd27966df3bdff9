"""How the terminal talks to a running server: the public API and the public socket, nothing else."""

from __future__ import annotations

import asyncio
import json
import re
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from parola.errors import InvalidRequest, NotFound, ParolaError, Unauthorized

LARGEST_FRAME = 16 * 1024 * 1024

PAGE_SECONDS = 2.0
"""How long a link waits for the dashboard."""

OPEN_SECONDS = 20.0
"""For a conversation's connection."""

UPLOAD_SECONDS = 120.0
"""For a document to be sent and read."""

NOT_FOUND = re.compile(r"Document with id (\S+) not found\.")
KINDS = {"agent": "Agent", "conv": "Conversation", "tool": "Tool", "agtvrsn": "Version"}
"""By how its id begins."""

LISTS = (
    ("/versions/", "parola agents versions AGENT"),
    ("/agents/", "parola agents list"),
    ("/conversations/", "parola conversations list"),
    ("/webhook-deliveries/", "parola webhooks deliveries"),
    ("/webhooks/", "parola webhooks list"),
    ("/knowledge-base", "parola knowledge list"),
)
"""What lists the things whose addresses have such a part."""

RETRY_SECONDS = 0.5
"""Between two attempts to reach a server again."""


class Unreachable(ParolaError):
    """Nobody answers at the address."""

    code = "unreachable"


@dataclass(frozen=True, slots=True)
class Server:
    """A server by its address."""

    url: str
    api_key: str = ""
    timeout: float = 30.0
    """Seconds that a REST call may take."""

    def page(self, path: str) -> str:
        """The address of a page of the dashboard, such as ``conversations/conv_1``; empty when the server has none."""
        import httpx2

        address = f"{self.url.rstrip('/')}/dashboard/"
        try:
            is_there = httpx2.head(address, timeout=PAGE_SECONDS).status_code == 200
        except httpx2.HTTPError:
            return ""
        return address + path if is_there else ""

    def every(self, path: str, key: str, **query: str) -> Iterator[dict[str, Any]]:
        """Each element of a list that comes in pages, under ``key``."""
        cursor: dict[str, str] = {}
        while True:
            found = self.rest("GET", path, page_size="100", **query, **cursor)
            yield from found[key]
            if not found.get("next_cursor"):
                return
            cursor = {"cursor": found["next_cursor"]}

    def upload(self, path: str, name: str, content: Any, fields: dict[str, str]) -> Any:
        """POST a file as a form; the JSON that came back. ``content``: an open file. Raises ``ParolaError``."""
        return self._asked("POST", path, files={"file": (name, content)}, data=fields, timeout=UPLOAD_SECONDS)

    def rest(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """One REST call; the JSON that came back. Raises ``ParolaError`` with the server's own words."""
        return self._asked(method, path, params=query, json=body, timeout=self.timeout)

    def _asked(self, method: str, path: str, **said: Any) -> Any:
        import httpx2

        headers = {"xi-api-key": self.api_key} if self.api_key else {}
        try:
            response = httpx2.request(method, f"{self.url.rstrip('/')}{path}", headers=headers, **said)
        except httpx2.TimeoutException:
            raise Unreachable(
                f"The server at {self.url} did not answer within {said['timeout']:g} s. "
                "`parola doctor` says whether something is wrong with it."
            ) from None
        except httpx2.HTTPError as error:
            raise Unreachable(
                f"No server answers at {self.url} ({error or type(error).__name__}). Start one with `parola serve`, "
                "or say where it is with --url or PAROLA_URL."
            ) from None
        if response.status_code >= 400:
            raise _explained(response.status_code, response.text, path)
        try:
            return response.json() if response.content else None
        except ValueError:
            raise _stranger(self.url) from None

    def lines(self, path: str, query: Sequence[tuple[str, str]] = ()) -> Iterator[bytes]:
        """The lines of a long answer, as they come. Raises ``ParolaError`` with the server's own words."""
        import httpx2

        headers = {"xi-api-key": self.api_key} if self.api_key else {}
        url = f"{self.url.rstrip('/')}{path}"
        try:
            with httpx2.stream("GET", url, params=list(query), headers=headers, timeout=60) as response:
                if response.status_code >= 400:
                    raise _explained(response.status_code, response.read().decode(errors="replace"), path)
                rest = b""
                for piece in response.iter_bytes():
                    *whole, rest = (rest + piece).split(b"\n")
                    yield from whole
        except httpx2.HTTPError as error:
            raise Unreachable(
                f"The server at {self.url} stopped answering ({error or type(error).__name__})."
            ) from None

    def socket_url(self, agent_id: str, *, signed: bool) -> str:
        """Where to open the conversation."""
        if signed:
            return str(self.rest("GET", "/v1/convai/conversation/get-signed-url", agent_id=agent_id)["signed_url"])
        parts = urlsplit(self.url)
        scheme = "wss" if parts.scheme == "https" else "ws"
        path = f"{parts.path.rstrip('/')}/v1/convai/conversation"
        return urlunsplit((scheme, parts.netloc, path, urlencode({"agent_id": agent_id, "source": "parola_cli"}), ""))


def _stranger(url: str) -> ParolaError:
    return Unreachable(f"What answers at {url} is no Parola server. Say where yours is with --url or PAROLA_URL.")


def _explained(status: int, text: str, path: str) -> ParolaError:
    """A refusal in the server's own words, with what to do about it."""
    try:
        detail = json.loads(text)["detail"]
    except (ValueError, KeyError, TypeError):
        said = " ".join(text.split())[:200]
        return InvalidRequest(
            f"The server answered {status} to {path}: {said or 'nothing'}. Is it a Parola server, and is --url right?"
        )
    if isinstance(detail, dict):
        message = str(detail.get("message") or detail)
    elif isinstance(detail, list):
        message = "; ".join(f"{'.'.join(map(str, e.get('loc', ())))}: {e.get('msg')}" for e in detail)
    else:
        message = str(detail)
    kind: type[ParolaError] = {401: Unauthorized, 404: NotFound}.get(status, InvalidRequest)
    if status == 401:
        was_sent = isinstance(detail, dict) and detail.get("status") in ("missing_permissions", "invalid_api_key")
        message += f" Pass {'another' if was_sent else 'one'} with --api-key or PAROLA_API_KEY."
    elif status == 404:
        # The hosted platform's words for whatever is not there; an id says what was looked for.
        if missing := NOT_FOUND.fullmatch(message):
            message = f"{KINDS.get(missing[1].partition('_')[0], 'Document')} {missing[1]} not found."
        message += next((f" `{command}` shows those there are." for part, command in LISTS if part in path), "")
    return kind(message)


@dataclass(slots=True)
class Conversation:
    """An open conversation, frame by frame. When its connection breaks, it goes on over another one."""

    socket: Any
    reconnect: Callable[[dict[str, Any]], Awaitable[Any]]
    """Another socket with this query. Raises ``OSError``, ``TimeoutError`` or ``WebSocketException``."""
    conversation_id: str = ""
    output_format: str = "pcm_16000"
    input_format: str = "pcm_16000"
    close_code: int | None = None
    close_reason: str = ""
    _token: str = ""
    _window_seconds: float = 0.0
    _last_event_id: int = 0
    _is_over: bool = False
    _turned: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a lost connection is back, or will not be; then there is a new one."""

    async def send(self, message: dict[str, Any]) -> None:
        """Say something, when the connection is back if it is lost; into the void when the server has hung up, which
        ``frames`` tells."""
        from websockets.exceptions import ConnectionClosed

        while True:
            socket = self.socket
            try:
                await socket.send(json.dumps(message))
                return
            except ConnectionClosed:
                if self._is_over or not self._window_seconds:
                    return
                if socket is self.socket:
                    await self._turned.wait()

    async def send_audio(self, pcm: bytes) -> None:
        """Speak, in the input format; into the void when the connection is lost."""
        from websockets.exceptions import ConnectionClosed

        with suppress(ConnectionClosed):
            await self.socket.send(f'{{"user_audio_chunk":"{b64encode(pcm).decode()}"}}')

    async def frames(self) -> AsyncIterator[dict[str, Any]]:
        """Every frame but pings, which are answered here, until the server hangs up, or is not to be reached again."""
        from websockets.exceptions import ConnectionClosed

        while True:
            with suppress(ConnectionClosed):
                async for raw in self.socket:
                    frame: dict[str, Any] = json.loads(raw)
                    match frame["type"]:
                        case "ping":
                            pong = {"type": "pong", "event_id": frame["ping_event"]["event_id"]}
                            await self.socket.send(json.dumps(pong))
                            continue
                        case "conversation_initiation_metadata":
                            self._begun(frame["conversation_initiation_metadata_event"])
                        case "agent_response":
                            self._last_event_id = frame["agent_response_event"]["event_id"]
                        case "user_transcript":
                            self._last_event_id = frame["user_transcription_event"]["event_id"]
                    yield frame
            self.close_code, self.close_reason = self.socket.close_code, self.socket.close_reason or ""
            self._is_over = not await self._is_back()
            self._turned.set()
            self._turned = asyncio.Event()
            if self._is_over:
                return

    def _begun(self, metadata: dict[str, Any]) -> None:
        self.conversation_id = metadata["conversation_id"]
        self.output_format = metadata["agent_output_audio_format"]
        self.input_format = metadata["user_input_audio_format"]
        self._token = metadata.get("x_resume_token", "")
        self._window_seconds = metadata.get("x_resume_window_secs", 0.0)

    async def _is_back(self) -> bool:
        """The connection broke, and there is another one."""
        from websockets.exceptions import WebSocketException

        ours, theirs = self.socket.protocol.close_sent, self.socket.protocol.close_rcvd
        if not self._token or theirs is not None or (ours is not None and ours.code == 1000):
            return False
        token, self._token = self._token, ""
        query = {
            "conversation_id": self.conversation_id,
            "resume_token": token,
            "last_event_id": self._last_event_id,
        }
        loop = asyncio.get_running_loop()
        until = loop.time() + self._window_seconds
        while loop.time() < until:
            try:
                self.socket = await self.reconnect(query)
                return True
            except (OSError, TimeoutError, WebSocketException):
                await asyncio.sleep(RETRY_SECONDS)
        return False

    @property
    def went_well(self) -> bool:
        """It began, and ended as conversations should."""
        return bool(self.conversation_id) and self.close_code in (1000, 1001, None)

    async def answer_tool(self, call: dict[str, Any], result: Any) -> None:
        await self.send(
            {"type": "client_tool_result", "tool_call_id": call["tool_call_id"], "result": result, "is_error": False}
        )


@asynccontextmanager
async def conversation(
    server: Server, agent_id: str, *, signed: bool, variables: dict[str, str], text_only: bool
) -> AsyncIterator[Conversation]:
    """Open a conversation and say who we are. Raises ``Unreachable``."""
    from websockets.asyncio.client import connect
    from websockets.exceptions import InvalidStatus, WebSocketException

    url = server.socket_url(agent_id, signed=signed)
    headers = {"xi-api-key": server.api_key} if server.api_key else None

    async def opening(address: str) -> Any:
        return await connect(address, max_size=LARGEST_FRAME, additional_headers=headers, open_timeout=OPEN_SECONDS)

    async def reconnect(query: dict[str, Any]) -> Any:
        return await opening(f"{url.partition('?')[0]}?{urlencode(query)}")

    try:
        socket = await opening(f"{url}&x_resume=1")
    except InvalidStatus as error:
        raise Unreachable(
            f"No conversation can be opened at {server.url}: it answered {error.response.status_code}. "
            + ("The log of the server says why." if error.response.status_code >= 500 else "Is this a Parola server?")
        ) from None
    except TimeoutError:
        raise Unreachable(
            f"The server at {server.url} did not open a conversation within {OPEN_SECONDS:g} s. Its log may say why."
        ) from None
    except (OSError, WebSocketException) as error:
        raise Unreachable(
            f"No conversation can be opened at {server.url} ({error or type(error).__name__}). "
            "Is it running? Start it with `parola serve`."
        ) from None
    opened = Conversation(socket, reconnect)
    try:
        await opened.send(
            {
                "type": "conversation_initiation_client_data",
                # An empty list asks for every event: the terminal shows what happens, and waits for the end of turns.
                "conversation_config_override": {
                    "conversation": {"client_events": [], **({"text_only": True} if text_only else {})}
                },
                "dynamic_variables": variables,
                "source_info": {"source": "parola_cli"},
            }
        )
        yield opened
    finally:
        await opened.socket.close()
