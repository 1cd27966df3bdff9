"""WebSocket frames for a client that has to be cheap: built before the call, read without a library.

The mask key is zero, so a payload leaves as it is and can be made once for every caller (RFC 6455 5.3 lets a client
choose any key).
"""

from __future__ import annotations

import base64
import os
from binascii import b2a_base64

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """One whole client frame."""
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | opcode, 0x80 | size))
    elif size < 65536:
        head = bytes((0x80 | opcode, 0x80 | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, 0x80 | 127)) + size.to_bytes(8, "big")
    return head + b"\0\0\0\0" + payload


def audio_frames(pcm: bytes, bytes_per_frame: int) -> list[bytes]:
    """``user_audio_chunk`` messages of one length; the last is filled up with silence."""
    pcm += b"\0" * (-len(pcm) % bytes_per_frame)
    return [
        frame(b'{"user_audio_chunk":"' + b2a_base64(pcm[at : at + bytes_per_frame], newline=False) + b'"}')
        for at in range(0, len(pcm), bytes_per_frame)
    ]


def upgrade(host: str, port: int, path: str) -> bytes:
    """The request that opens the socket."""
    key = base64.b64encode(os.urandom(16)).decode()
    lines = (
        f"GET {path} HTTP/1.1",
        f"Host: {host}:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Protocol: convai",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class FrameReader:
    """Bytes from the server, in whatever pieces they come, as (opcode, payload)."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._message = b""
        self._is_open = False

    @property
    def is_open(self) -> bool:
        """The upgrade has been answered with yes."""
        return self._is_open

    def read_upgrade(self, data: bytes) -> str | None:
        """Take in the answer to the upgrade: the status line once it is whole, else None. Call until it is."""
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        status = bytes(self._buffer[:end]).split(b"\r\n")[0].decode("latin1")
        del self._buffer[: end + 4]
        self._is_open = " 101 " in status + " "
        return status

    def read(self, data: bytes) -> list[tuple[int, bytes]]:
        """The messages and control frames that ``data`` completes."""
        buffer = self._buffer
        buffer += data
        complete: list[tuple[int, bytes]] = []
        while len(buffer) >= 2:
            opcode, size, start = buffer[0] & 15, buffer[1] & 127, 2
            if size == 126:
                size, start = int.from_bytes(buffer[2:4], "big"), 4
            elif size == 127:
                size, start = int.from_bytes(buffer[2:10], "big"), 10
            if len(buffer) < start or len(buffer) < start + size:
                break
            payload = bytes(buffer[start : start + size])
            is_final = buffer[0] & 0x80
            del buffer[: start + size]
            if opcode >= CLOSE:
                complete.append((opcode, payload))
                continue
            self._message += payload
            if is_final:
                complete.append((TEXT, self._message))
                self._message = b""
        return complete
