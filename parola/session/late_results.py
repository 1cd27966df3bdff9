"""Tools in the background may answer when the conversation has ended: the record has their results."""

from __future__ import annotations

import asyncio

from parola.conversation.actions import Record as RecordTurn
from parola.conversation.conversation import Conversation
from parola.errors import ParolaError
from parola.logs import logger
from parola.session.inbox import Inbox
from parola.session.record import Record
from parola.session.tool_calls import ToolCalls

log = logger(__name__)

LATE_SECONDS = 300.0
"""So long they may take: the longest time a tool can have."""

_LATE: set[asyncio.Task[None]] = set()
"""Those that wait for that; the event loop alone would forget them."""


def take_waiting(inbox: Inbox, conversation: Conversation, record: Record) -> bool:
    """Take in what has come and nobody has looked at; whether the record has anything new from it."""
    is_new = False
    now = asyncio.get_running_loop().time()
    while (event := inbox.take()) is not None:
        for action in conversation.handle(event, now):
            if isinstance(action, RecordTurn):
                record.turn(action.index, action.turn)
                is_new = True
    return is_new


def take_later(tool_calls: ToolCalls, inbox: Inbox, conversation: Conversation, record: Record) -> None:
    """Take in those that came while the end was being stored, and those that are still to come."""
    if take_waiting(inbox, conversation, record) or tool_calls.running():
        task = asyncio.get_running_loop().create_task(_take(tool_calls, inbox, conversation, record))
        _LATE.add(task)
        task.add_done_callback(_LATE.discard)


async def _take(tool_calls: ToolCalls, inbox: Inbox, conversation: Conversation, record: Record) -> None:
    try:
        async with asyncio.timeout(LATE_SECONDS):
            while True:
                if write := record.flush():
                    await write
                if not (running := tool_calls.running()):
                    break
                await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                take_waiting(inbox, conversation, record)
    except (ParolaError, TimeoutError) as error:
        told = type(error).__name__
        log.warning("late_results_not_stored", conversation_id=conversation.setup.conversation_id, error=told)
    finally:
        await tool_calls.aclose()
