"""What the agent says while its model is slow (``turn.soft_timeout_config``; reference: rest-schemas.md, turn)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

DEFAULT_PROMPT = (
    "The assistant needs a little longer for its answer. Write one very short, natural sentence that bridges the "
    "pause, in the user's language and fitting what they said last, such as 'Let me see.' Do not answer them."
)
"""What the model is told when it writes the filler itself."""


@dataclass(frozen=True, slots=True)
class SoftTimeout:
    """When fillers are said, and which."""

    seconds: float = -1.0
    """How long the model may be silent; below 0: no fillers."""
    messages: tuple[str, ...] = ()
    is_generated: bool = False
    """The model writes the filler."""
    prompt: str = DEFAULT_PROMPT
    is_random: bool = False
    most: int = 1
    """For one answer."""
    after_first_user_message: bool = False
    """None before the user has said something."""

    def message(self, conversation_id: str, count: int) -> str:
        """The filler number ``count`` (from 0) of a conversation. Random ones are the same whenever it is replayed."""
        if not self.messages:
            return ""
        if not self.is_random:
            return self.messages[count % len(self.messages)]
        digest = hashlib.blake2s(f"{conversation_id}:{count}".encode(), digest_size=4).digest()
        return self.messages[int.from_bytes(digest) % len(self.messages)]
