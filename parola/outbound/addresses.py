"""Addresses of services: how they are put together, and how they are told to anybody.

An address may hold secrets: a user and a password before its host, a key in its query. Errors, records, logs, lists and
banners show it without them.
"""

from __future__ import annotations

import re

_CREDENTIALS = re.compile(r"^((?:[a-z][a-z0-9+.\-]{0,30}:)?//)[^/]*@", re.IGNORECASE)
_NO_PORT = re.compile(r"^([a-z][a-z0-9+.\-]{0,30}://[^/:\[\]]*):(?!\d*(?:/|$))[^/]*", re.IGNORECASE)
"""What stands where a port belongs and is none: the beginning of a password with a ``?`` or a ``#`` in it."""

_IN_TEXT = re.compile(r"\b[a-z][a-z0-9+.\-]{0,30}://[^\s'\"<>]+", re.IGNORECASE)


def shown(address: str) -> str:
    """An address, of whatever form, without user, password, query and fragment."""
    bare = re.split(r"[?#]", address, maxsplit=1)[0]
    return _NO_PORT.sub(r"\1", _CREDENTIALS.sub(r"\1", bare))


def told(error: BaseException | str) -> str:
    """What an error says, with every address in it as it may be shown; its kind when it says nothing."""
    said = _IN_TEXT.sub(lambda found: shown(found[0]), str(error))
    return said or type(error).__name__


def joined(base_url: str, path: str, query: str = "") -> str:
    """The address of a part of a service. The query of its own stays behind the path, before ``query``."""
    base, _, own = base_url.partition("?")
    base = base.rstrip("/")
    both = "&".join(filter(None, (own, query)))
    return (base if base.endswith(path) else base + path) + (f"?{both}" if both else "")
