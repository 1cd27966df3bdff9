"""Everything Parola raises on purpose.

::

    ParolaError
    ├── OwnError            ours: a bug, a full disk, a missing model
    │   ├── ModelMissing        a speech model is not installed on this machine
    │   └── StoreError          the database refused
    ├── ClientError         the client's: what it sent cannot be accepted
    │   ├── InvalidRequest      well formed, but meaningless (400)
    │   ├── Unauthorized        no credential, or a wrong one (401)
    │   ├── Forbidden           a credential that does not reach this far (403)
    │   ├── NotFound            no such thing (404)
    │   ├── Conflict            it exists already, or is in use (409)
    │   ├── Unprocessable       a field is missing or has the wrong shape (422)
    │   ├── TooMany             over a limit (429)
    │   └── ConversationRefused the socket is accepted, told why, and closed
    └── ProviderError       a vendor's: it failed, was slow, or spoke nonsense

Each has a ``code`` (the hosted platform's ``detail.status``), a message that says what was expected and what
came, and an HTTP ``status``. ``ConversationRefused`` carries a WebSocket close code instead.
"""

from __future__ import annotations


class ParolaError(Exception):
    """The root. ``code`` travels as ``detail.status``; ``status`` is the HTTP status."""

    code = "internal_error"
    status = 500

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code

    @property
    def logged(self) -> str:
        """What of it may stand in a log: nothing that came from outside, since that may be what somebody said."""
        return self.message


class OwnError(ParolaError):
    """Ours: nothing the client or a vendor did."""


class ModelMissing(OwnError):
    """A speech model is not installed; the message says which, and the command that installs it."""

    code = "model_missing"
    status = 503


class StoreError(OwnError):
    """The database refused a read or a write."""

    code = "store_error"


class ClientError(ParolaError):
    """The client's: the request cannot be accepted as it is."""

    code = "invalid_request"
    status = 400

    @property
    def logged(self) -> str:
        return self.code


class InvalidRequest(ClientError):
    """Well formed, but it makes no sense."""


class Unauthorized(ClientError):
    code = "needs_authorization"
    status = 401


class Forbidden(ClientError):
    code = "forbidden"
    status = 403


class NotFound(ClientError):
    code = "document_not_found"
    status = 404


class Conflict(ClientError):
    code = "conflict"
    status = 409


class Unprocessable(ClientError):
    code = "unprocessable"
    status = 422


class TooMany(ClientError):
    code = "too_many_concurrent_requests"
    status = 429

    def __init__(self, message: str, *, code: str | None = None, retry_after_seconds: float | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after_seconds = retry_after_seconds
        """When asking again makes sense; None: nobody knows."""


class ConversationRefused(ClientError):
    """A conversation that cannot start: the socket is closed with the reason, and the record keeps the message.

    ``close_code`` and ``error_type`` are those of the protocol (reference: websocket.md §6.1); ``reason`` is
    the short form that fits a close frame (at most 123 bytes of UTF-8), ``message`` the long one.
    """

    def __init__(self, close_code: int, error_type: str, message: str, reason: str | None = None) -> None:
        super().__init__(message, code=error_type)
        self.close_code = close_code
        self.error_type = error_type
        self.reason = reason or message


class ProviderError(ParolaError):
    """A vendor failed. ``provider`` names it; the message says what was asked and what came back."""

    code = "provider_error"
    status = 502

    def __init__(
        self, provider: str, message: str, *, retry_after_seconds: float | None = None, logged: str = ""
    ) -> None:
        """``logged`` says the same without what the vendor answered, which may quote what it was asked."""
        super().__init__(message)
        self.provider = provider
        self._logged = logged
        self.retry_after_seconds = retry_after_seconds
        """It is busy, and said how long; None: asking again makes no sense."""

    @property
    def logged(self) -> str:
        because = f" ({type(self.__cause__).__name__})" if self.__cause__ is not None else ""
        return self._logged or f"{self.provider} failed{because}"
