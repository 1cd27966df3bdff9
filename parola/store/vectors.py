"""The type of embeddings: float32 as little-endian bytes for us; in the database bytes, or pgvector's ``vector``.

Which of the two is a fact of the database and not of the code: ``postgres.py`` finds out and sets ``has_vectors`` on
the engine's dialect, before anything is asked.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Dialect, LargeBinary, func
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

HEADER = struct.Struct(">HH")
"""Before the numbers in pgvector's own form: how many there are, and two bytes that mean nothing."""


class Sent(bytes):
    """A vector in pgvector's own form, which the driver passes on as it is. As text it would take twenty times as long,
    and all calls would wait for the thread that writes."""


class PgVector(UserDefinedType[bytes]):
    """pgvector's type, without a number of dimensions: models differ."""

    cache_ok = True
    render_bind_cast = True

    def get_col_spec(self, **_: Any) -> str:
        return "vector"

    def bind_processor(self, dialect: Dialect) -> Callable[[bytes | None], Sent | None]:
        return lambda vector: None if vector is None else to_sent(vector)

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


def to_sent(vector: bytes) -> Sent:
    return Sent(HEADER.pack(len(vector) // 4, 0) + _byteswapped(vector))


def from_sent(sent: bytes) -> bytes:
    return _byteswapped(bytes(sent)[HEADER.size :])


def _byteswapped(vector: bytes) -> bytes:
    """Ours are little-endian, theirs big-endian, whatever the machine is."""
    numbers = array("f", vector)
    numbers.byteswap()
    return numbers.tobytes()
