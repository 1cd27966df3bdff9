"""The type of embeddings: float32 as little-endian bytes for us; in the database bytes, or pgvector's ``vector``.

Which of the two is a fact of the database and not of the code: ``postgres.py`` finds out and sets ``has_vectors`` on
the engine's dialect, before anything is asked.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Dialect, LargeBinary, func
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

HEADER_BYTES = 4
"""Before the numbers in what ``vector_send`` gives: how many there are, and two bytes that mean nothing."""


class PgVector(UserDefinedType[bytes]):
    """pgvector's type, without a number of dimensions: models differ. Goes there as text, and comes back as bytes,
    because that is a hundred times quicker to read."""

    cache_ok = True
    render_bind_cast = True

    def get_col_spec(self, **_: Any) -> str:
        return "vector"

    def bind_processor(self, dialect: Dialect) -> Callable[[bytes | None], str | None]:
        return lambda vector: None if vector is None else as_text(vector)

    def column_expression(self, colexpr: ColumnElement[Any]) -> ColumnElement[Any]:
        return func.vector_send(colexpr, type_=self)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[bytes | None], bytes | None]:
        return lambda sent: None if sent is None else from_sent(sent)


class Vector(TypeDecorator[bytes]):
    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        has_vectors = getattr(dialect, "has_vectors", False)
        return dialect.type_descriptor(PgVector() if has_vectors else LargeBinary())


def as_text(vector: bytes) -> str:
    """``[0.5,1.0]``: every digit that is needed to get the same float32 back."""
    return f"[{','.join(map(repr, _swapped(vector, sys.byteorder == 'big')))}]"


def from_sent(sent: bytes) -> bytes:
    """What ``vector_send`` gives (numbers big-endian) as ours."""
    return _swapped(bytes(sent)[HEADER_BYTES:], sys.byteorder == "little").tobytes()


def _swapped(vector: bytes, swap: bool) -> array[float]:
    numbers = array("f", vector)
    if swap:
        numbers.byteswap()
    return numbers
