"""What others have said, for a terminal to show and not to obey: callers, models, servers and webhooks may send
anything.

``printing`` shows whatever it prints this way; so does everything that is printed past it.
"""

from __future__ import annotations

import json
import re
from typing import Any

_OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""What moves the cursor, changes colours or the direction of writing, or cannot be written; ends of lines and tabs may
stay."""

_LINE_END = re.compile("\r+\n")


def visible(text: str) -> str:
    """With a picture in place of each control character: ``␛[2J``."""
    return _OBEYED.sub(_picture, _LINE_END.sub("\n", text))


def _picture(found: re.Match[str]) -> str:
    code = ord(found[0])
    return chr(0x2400 + code) if code < 0x20 else "␡" if code == 0x7F else "�"


def line(text: str) -> None:
    """Print it past all formatting, for scripts too."""
    print(visible(text), flush=True)


def json_line(text: str) -> str:
    """JSON that somebody has sent, still the same JSON: control characters are written out."""
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", _LINE_END.sub("\n", text))


def document(value: Any) -> None:
    """Print it as JSON that a person can read."""
    print(json_line(json.dumps(value, indent=2, ensure_ascii=False)))
