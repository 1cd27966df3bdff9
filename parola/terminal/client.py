"""How the terminal talks to a running server: the public API and the public socket, nothing else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from parola.errors import InvalidRequest, NotFound, ParolaError, Unauthorized

LARGEST_FRAME = 16 * 1024 * 1024


class Unreachable(ParolaError):
    """Nobody answers at the address."""

    code = "unreachable"


@dataclass(frozen=True, slots=True)
class Server:
    """A server by its address."""

    url: str
    api_key: str = ""

    def rest(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """One REST call; the JSON that came back. Raises ``ParolaError`` with the server's own words."""
        import httpx2

        headers = {"xi-api-key": self.api_key} if self.api_key else {}
        try:
            response = httpx2.request(
                method, f"{self.url.rstrip('/')}{path}", params=query, json=body, headers=headers, timeout=30
            )
        except httpx2.HTTPError as error:
            raise Unreachable(
                f"No server answers at {self.url} ({error or type(error).__name__}). Start one with `parola serve`."
            ) from None
        if response.status_code >= 400:
            raise _explained(response.status_code, response.text)
        return response.json() if response.content else None

    def lines(self, path: str, query: Sequence[tuple[str, str]] = ()) -> Iterator[bytes]:
        """The lines of a long answer, as they come. Raises ``ParolaError`` with the server's own words."""
        import httpx2

        headers = {"xi-api-key": self.api_key} if self.api_key else {}
        url = f"{self.url.rstrip('/')}{path}"
        try:
            with httpx2.stream("GET", url, params=list(query), headers=headers, timeout=60) as response:
                if response.status_code >= 400:
                    raise _explained(response.status_code, response.read().decode(errors="replace"))
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


def _explained(status: int, text: str) -> ParolaError:
    try:
        detail = json.loads(text)["detail"]
    except (ValueError, KeyError, TypeError):
        return InvalidRequest(f"The server answered {status}: {text[:300]}")
    if isinstance(detail, dict):
        message = str(detail.get("message") or detail)
    elif isinstance(detail, list):
        message = "; ".join(f"{'.'.join(map(str, e.get('loc', ())))}: {e.get('msg')}" for e in detail)
    else:
        message = str(detail)
    kind: type[ParolaError] = {401: Unauthorized, 404: NotFound}.get(status, InvalidRequest)
    if status == 401:
        message += " Pass it with --api-key or PAROLA_API_KEY."
    return kind(message)


@dataclass(slots=True)
class Conversation:
    """An open conversation, frame by frame."""

    socket: Any
    conversation_id: str = ""
    output_format: str = "pcm_16000"
    input_format: str = "pcm_16000"
    close_code: int | None = None
    close_reason: str = ""

    async def send(self, message: dict[str, Any]) -> None:
        """Say something; into the void when the server has hung up, which ``frames`` tells."""
        from websockets.exceptions import ConnectionClosed

        try:
            await self.socket.send(json.dumps(message))
        except ConnectionClosed:
            pass

    async def frames(self) -> AsyncIterator[dict[str, Any]]:
        """Every frame but pings, which are answered here, until the server hangs up."""
        from websockets.exceptions import ConnectionClosed

        try:
            async for raw in self.socket:
                frame: dict[str, Any] = json.loads(raw)
                if frame["type"] == "ping":
                    await self.send({"type": "pong", "event_id": frame["ping_event"]["event_id"]})
                    continue
                if frame["type"] == "conversation_initiation_metadata":
                    metadata = frame["conversation_initiation_metadata_event"]
                    self.conversation_id = metadata["conversation_id"]
                    self.output_format = metadata["agent_output_audio_format"]
                    self.input_format = metadata["user_input_audio_format"]
                yield frame
        except ConnectionClosed:
            pass
        self.close_code, self.close_reason = self.socket.close_code, self.socket.close_reason or ""

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
    from websockets.exceptions import WebSocketException

    url = server.socket_url(agent_id, signed=signed)
    headers = {"xi-api-key": server.api_key} if server.api_key else None
    try:
        socket = await connect(url, max_size=LARGEST_FRAME, additional_headers=headers, open_timeout=10)
    except (OSError, TimeoutError, WebSocketException) as error:
        raise Unreachable(
            f"No conversation can be opened at {server.url} ({error or type(error).__name__}). "
            "Is it running? Start it with `parola serve`."
        ) from None
    async with socket:
        opened = Conversation(socket)
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
