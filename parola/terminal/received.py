"""The body of a request, for receivers that are made with ``http.server``: that leaves reading it to others."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler


def body_of(request: BaseHTTPRequestHandler) -> bytes:
    """All of it, whether its length was told before or piece by piece. Raises ``ValueError`` for one that ends too
    early."""
    if request.headers.get("transfer-encoding") != "chunked":
        return _exactly(int(request.headers.get("content-length", 0)), request)
    body = b""
    while size := int(request.rfile.readline() or b"cut off", 16):
        body += _exactly(size, request)
        request.rfile.readline()
    request.rfile.readline()
    return body


def _exactly(size: int, request: BaseHTTPRequestHandler) -> bytes:
    read = request.rfile.read(size)
    if len(read) < size:
        raise ValueError(f"The body ends after {len(read)} of {size} bytes.")
    return read
