"""The answer to a webhook tool's request: how much of it is read, what it means, and what the model sees of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import orjson

from parola.tools.request import REDACTED

if TYPE_CHECKING:
    import aiohttp

MOST_READ_BYTES = 1024 * 1024
"""So much of an answer is read; then the connection is closed, whatever else would come."""

MOST_SHOWN_BYTES = 64 * 1024 - 200
"""So much of it is for the model; with the remark that something is missing it is 64 KB."""

SHORTEST_POLL_SECONDS, LONGEST_POLL_SECONDS = 0.5, 60.0
"""``poll_after`` is brought into this range."""

_TEXTS = ("text/", "application/json", "application/xml", "application/x-", "application/javascript", "application/")
_NO_TEXTS = ("application/octet-stream", "application/pdf", "application/zip", "application/gzip")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    text: str
    json: Any = None
    """The same as JSON, when it is JSON; else None."""
    is_json: bool = False
    is_cut: bool = False
    """There was more than is read."""
    failure: str = ""
    """What a callback says went wrong."""

    @property
    def poll_seconds(self) -> float | None:
        """When a pending tool wants to be asked again (``poll_after``); None: it will call back."""
        after = self.json.get("poll_after") if isinstance(self.json, Mapping) else None
        if isinstance(after, bool) or not isinstance(after, int | float):
            return None
        return min(max(float(after), SHORTEST_POLL_SECONDS), LONGEST_POLL_SECONDS)

    @property
    def poll_url(self) -> str:
        """Where, if not at the tool's own address."""
        url = self.json.get("poll_url") if isinstance(self.json, Mapping) else None
        return url if isinstance(url, str) else ""

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300 and not self.failure

    @property
    def is_pending(self) -> bool:
        """The tool has only begun: its result will come to the callback address (``202 {"status": "pending"}``)."""
        return self.status == 202 and isinstance(self.json, Mapping) and self.json.get("status") == "pending"


async def read(response: aiohttp.ClientResponse, secrets: Sequence[str]) -> Answer:
    """Read what comes, up to ``MOST_READ_BYTES``; of ``secrets`` that the answer repeats nothing remains."""
    body = bytearray()
    async for piece in response.content.iter_chunked(64 * 1024):
        body += piece
        if len(body) > MOST_READ_BYTES:
            response.close()
            break
    is_cut = len(body) > MOST_READ_BYTES
    return understood(
        response.status, bytes(body[:MOST_READ_BYTES]), response.headers.get("content-type", ""), secrets, is_cut=is_cut
    )


def understood(
    status: int, body: bytes, content_type: str, secrets: Sequence[str] = (), *, is_cut: bool = False
) -> Answer:
    """What a body says. JSON is JSON whatever its type claims; what is neither JSON nor text is only mentioned."""
    kind = content_type.partition(";")[0].strip().lower()
    charset = content_type.lower().partition("charset=")[2].partition(";")[0].strip(" \"'") or "utf-8"
    if (kind and not kind.startswith(_TEXTS)) or kind in _NO_TEXTS:
        return Answer(status, f"[{len(body)} bytes of type {kind}: not readable as text]", is_cut=is_cut)
    try:
        text = body.decode(charset, errors="replace")
    except LookupError:
        text = body.decode(errors="replace")
    for secret in secrets:
        text = text.replace(secret, REDACTED)
    if not is_cut:
        try:
            return Answer(status, text, orjson.loads(text), is_json=True)
        except orjson.JSONDecodeError:
            pass
    return Answer(status, text, is_cut=is_cut)


def called_back(body: bytes, content_type: str) -> Answer:
    """What was sent to a callback address: the result itself, or ``{"is_error": true, "error": "…"}``."""
    cut = body[:MOST_READ_BYTES]
    answer = understood(200, cut, content_type, is_cut=len(cut) < len(body))
    if isinstance(answer.json, Mapping) and answer.json.get("is_error") is True:
        return replace(answer, failure=str(answer.json.get("error") or "it did not say why"))
    return answer


def for_model(answer: Answer, response_filter: Any) -> str:
    """The text that the model gets: filtered, and no longer than ``MOST_SHOWN_BYTES``, which it is told."""
    rules = response_filter if isinstance(response_filter, Mapping) else {}
    mode = rules.get("mode") or "all"
    if mode == "hide_all":
        return "The tool succeeded."
    text = answer.text
    if mode == "allow":
        if not answer.is_json:
            return "The tool succeeded; its answer is not JSON, so that its response_filter lets nothing through."
        paths = [str(path).split(".") for path in rules.get("filters") or [] if path]
        kept = _kept(answer.json, paths)
        text = orjson.dumps({} if kept is _NOTHING else kept).decode()
    if not text.strip():
        return "The tool succeeded and answered nothing."
    return shortened(text, MOST_READ_BYTES if answer.is_cut else None)


def shortened(text: str, read_bytes: int | None = None) -> str:
    """A text that is not too long for a model. ``read_bytes``: there was more, which was not even read."""
    encoded = text.encode()
    if len(encoded) <= MOST_SHOWN_BYTES and read_bytes is None:
        return text
    shown = encoded[:MOST_SHOWN_BYTES].decode(errors="ignore")
    length = f"more than {read_bytes} bytes" if read_bytes is not None else f"{len(encoded)} bytes"
    return f"{shown}\n[cut here: the answer has {length}, this is the first {len(shown.encode())}]"


_NOTHING = object()


def _kept(value: Any, paths: Sequence[Sequence[str]]) -> Any:
    """Of a value only what the paths lead to; through a list they lead into each of its elements, or by a number into
    one of them."""
    if any(not path for path in paths):
        return value
    if isinstance(value, list):
        numbered: dict[int, list[Sequence[str]]] = {int(path[0]): [] for path in paths if path[0].isdigit()}
        for path in paths:
            if path[0].isdigit():
                numbered[int(path[0])].append(path[1:])
        plain = [path for path in paths if not path[0].isdigit()]
        found = [_kept(one, [*plain, *numbered.get(index, [])]) for index, one in enumerate(value)]
        return [one for one in found if one is not _NOTHING] or _NOTHING
    if not isinstance(value, Mapping):
        return _NOTHING
    kept = {}
    for key, inner in value.items():
        deeper = [path[1:] for path in paths if path[0] == key]
        if deeper and (found := _kept(inner, deeper)) is not _NOTHING:
            kept[key] = found
    return kept or _NOTHING
