"""Reading a spool without holding it: where its pieces lie, what of them was played, and the sound, second by second.

What is read here may last for hours, so that nothing of it is kept but the places.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from parola.session.audio import MODEL_RATE, AudioFormat, ulaw_decode
from parola.session.recording import HEAD

Samples = NDArray[np.int16]


@dataclass(slots=True)
class Piece:
    """Where a piece lies, and how much of it was played."""

    track: bytes
    at: float
    offset: int
    samples: int
    rate: int
    width: int

    @property
    def start(self) -> int:
        """In samples from the start of the call."""
        return round(self.at * self.rate)

    @property
    def end(self) -> int:
        return self.start + self.samples


def heads(spool: int) -> Iterator[tuple[bytes, float, int, int]]:
    """Of an open spool: (track, seconds, place, bytes) of each piece that is whole, without reading what is in it."""
    place, whole = 0, os.fstat(spool).st_size
    while len(head := os.pread(spool, HEAD.size, place)) == HEAD.size:
        track, at, size = HEAD.unpack(head)
        place += HEAD.size
        if place + size > whole:
            return
        yield track, at, place, size
        place += size


def played(spool: int) -> tuple[list[Piece], AudioFormat]:
    """The pieces of an open spool as far as they were heard, and the format of the agent's. What the client was told to
    drop is left out."""
    found: list[Piece] = []
    output = AudioFormat("pcm", MODEL_RATE)
    for track, at, place, size in heads(spool):
        match track:
            case b"F":
                output = AudioFormat.parse(os.pread(spool, size, place).decode())
            case b"U":
                found.append(Piece(track, max(0.0, at), place, size // 2, MODEL_RATE, 2))
            case b"A":
                width = 1 if output.codec == "ulaw" else 2
                found.append(Piece(track, max(0.0, at), place, size // width, output.sample_rate, width))
            case b"X":
                found.append(Piece(track, at, place, 0, 1, 1))
    cut_at = float("inf")
    for piece in reversed(found):
        if piece.track == b"X":
            cut_at = min(cut_at, piece.at)
        elif piece.track == b"A" and cut_at < float("inf"):
            piece.samples = min(piece.samples, max(0, round((cut_at - piece.at) * piece.rate)))
    return [piece for piece in found if piece.samples], output


def seconds_in(path: Path) -> float:
    """How long what was recorded lasts."""
    with path.open("rb", buffering=0) as file:
        return max((piece.end / piece.rate for piece in played(file.fileno())[0]), default=0.0)


def sound(spool: int, piece: Piece, first: int = 0, last: int | None = None) -> Samples:
    """What was said in a piece, or from one of its samples to another."""
    last = piece.samples if last is None else last
    data = os.pread(spool, (last - first) * piece.width, piece.offset + first * piece.width)
    return ulaw_decode(data) if piece.width == 1 else np.frombuffer(data, np.int16)


def laid_out(spool: int, pieces: list[Piece], block: int) -> Iterator[NDArray[np.float32]]:
    """One side from the start of the call to its last piece, in blocks of so many samples; the last is shorter. Where
    nothing was said it is silent; of two pieces at one place the later is heard."""
    pieces = sorted(pieces, key=lambda piece: piece.start)
    length = max((piece.end for piece in pieces), default=0)
    reaching: list[Piece] = []
    following = 0
    for begin in range(0, length, block):
        end = min(begin + block, length)
        while following < len(pieces) and pieces[following].start < end:
            reaching.append(pieces[following])
            following += 1
        track = np.zeros(end - begin, np.float32)
        for piece in reaching:
            first, last = max(begin, piece.start), min(end, piece.end)
            track[first - begin : last - begin] = sound(spool, piece, first - piece.start, last - piece.start)
        reaching = [piece for piece in reaching if piece.end > end]
        yield track
