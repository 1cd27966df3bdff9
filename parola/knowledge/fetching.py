"""Fetches pages for the knowledge base, by the client that asks no address it should not."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from parola.errors import InvalidRequest
from parola.knowledge.formats import MOST_FILE_BYTES, Unreadable, format_of
from parola.outbound.addresses import shown, told
from parola.outbound.http import Connections, proxy_for

SECONDS = 30.0
MOST_REDIRECTS = 5
LONGEST_URL = 4000

_ACCEPT = "text/html, application/xhtml+xml, text/plain, text/markdown, application/pdf, */*;q=0.5"


class NotFetched(InvalidRequest):
    """No document came from a URL; the message says what came instead."""

    code = "url_not_fetched"


@dataclass(frozen=True, slots=True)
class Fetched:
    content: bytes
    filename: str
    """What tells the format: empty where ``mime_type`` does."""
    mime_type: str
    charset: str


async def fetch(connections: Connections, url: str, *, seconds: float = SECONDS) -> Fetched:
    """What a URL leads to, redirects followed. Raises ``NotFetched``, and ``AddressRefused`` for an address that may
    not be asked from here, also one that a redirect names."""
    import aiohttp

    if len(url) > LONGEST_URL or urlsplit(url).scheme not in ("http", "https"):
        raise NotFetched(f'url: expected an address that begins with http:// or https://, got "{shown(url)[:80]}".')
    client = await connections.guarded()
    try:
        async with (
            asyncio.timeout(seconds),
            client.get(
                url, headers={"accept": _ACCEPT}, max_redirects=MOST_REDIRECTS, proxy=proxy_for(url)
            ) as response,
        ):
            if response.status != 200:
                raise NotFetched(f"{shown(url)} answered {response.status}; expected a document (200).")
            content = bytearray()
            async for piece in response.content.iter_chunked(64 * 1024):
                content += piece
                if len(content) > MOST_FILE_BYTES:
                    raise NotFetched(
                        f"{shown(url)} sent more than {MOST_FILE_BYTES} bytes, which is the most a document has."
                    )
            mime_type = response.content_type if "content-type" in response.headers else ""
            path = str(response.url.path)
            return Fetched(bytes(content), _telling_name(path, mime_type), mime_type, response.charset or "")
    except TimeoutError:
        raise NotFetched(f"{shown(url)} did not send a document within {seconds:g} s.") from None
    except aiohttp.TooManyRedirects:
        raise NotFetched(f"{shown(url)} leads on more than {MOST_REDIRECTS} times.") from None
    except aiohttp.InvalidURL as error:
        raise NotFetched(f"{shown(url)} leads to something that is no address: {told(error)}.") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise NotFetched(f"{shown(url)} cannot be fetched: {told(error)}.") from None


def _telling_name(path: str, mime_type: str) -> str:
    try:
        format_of("", mime_type)
        return ""
    except Unreadable:
        return PurePosixPath(unquote(path)).name or "page.html"
