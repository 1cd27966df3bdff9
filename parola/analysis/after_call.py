"""What follows a call, so that it survives the process: ``processing`` conversations are the queue.

A conversation that has ended is stored as ``processing`` when there is something to find out about it, and with its
final status at once when there is not. What was found out, the final status and the webhooks that are due reach the
store in one transaction (``Conversations.conclude``). Whatever is still ``processing`` when a server starts is taken up
again; so is what a killed server left open, after it was closed at the last thing stored of it.

Few conversations are read at a time, and none while the server is busy with calls.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from parola import logs
from parola.analysis.cut_short import human_waits_cut, last_noted
from parola.analysis.unanswered import with_results
from parola.analysis.visits import Visit, visited
from parola.endings import SERVER_STOPPED
from parola.errors import Conflict, NotFound, ParolaError, ProviderError, StoreError
from parola.in_turn import InTurn
from parola.logs import logger
from parola.store.base import ConversationChange, ConversationRow, Store, spool_of
from parola.store.erased import is_erased
from parola.store.pages import Document
from parola.tracing.context import current, kept
from parola.tracing.spans import SERVER, Span, tokens

if TYPE_CHECKING:
    from parola.analysis.analysing import Analysing, OneCriterion, Outcome
    from parola.tracing.tracer import Tracer

log = logger(__name__)

AT_A_TIME = 2
"""So many conversations are read at once."""

MOST_AGAIN_WAITING = 8
"""Conversations that somebody asks for once more while others are read again: of more, the rest is refused."""

LOOK_SECONDS = 1.0
"""How often a server that is busy with calls is looked at again."""

LONGEST_WAIT_SECONDS = 300.0
"""A conversation is read after so long however busy the server is."""

PAUSES_SECONDS = (1.0, 10.0, 60.0, 300.0)
"""Before what follows a call is tried again, when the database or we ourselves have failed."""

STOPPED_CODE = 1006
"""What a client sees of a socket that closed without a close frame."""


class AfterCall:
    """Ends conversations in the store; one for the process."""

    def __init__(
        self,
        store: Store,
        analysing: Callable[[], Analysing],
        is_busy: Callable[[], bool],
        tracer: Tracer | None = None,
    ) -> None:
        """``analysing`` makes the one who reads, when there is first something to read; ``is_busy``: calls come
        first."""
        self._store = store
        self._make = analysing
        self._made: Analysing | None = None
        self._is_busy = is_busy
        self._tracer = tracer
        self._places = asyncio.Semaphore(AT_A_TIME)
        self.read: Counter[str] = Counter()
        """Conversations that were analysed: ``complete`` or ``failed``."""
        self._work: dict[str, asyncio.Task[None]] = {}
        self._again = InTurn(AT_A_TIME, MOST_AGAIN_WAITING)
        """Conversations that somebody has asked to be read once more."""

    @property
    def waiting(self) -> int:
        """How many conversations are read, or wait for that."""
        return len(self._work)

    async def end(self, conversation_id: str, change: ConversationChange) -> None:
        """The last change of a conversation that has ended, with its final status. It is stored when this returns; it
        is read in the background where that is wanted. Raises what the store raises."""
        row = await self._store.conversations.get(conversation_id)
        if row is None:
            raise NotFound(f"Document with id {conversation_id} not found.")
        visits = await self._visits(row, change.document)
        says_something = bool(row.user_messages + row.agent_messages + len(change.turns))
        if not (says_something and self._analysing.is_wanted(visits)):
            await self._conclude(row, change)
            return
        await self._store.conversations.write(conversation_id, replace(change, status="processing"))
        self._soon(conversation_id)

    async def take_up(self) -> None:
        """At the start of a server that is alone with its store: what an earlier one left is ended and read."""
        for row in await self._store.conversations.unfinished():
            if row.status == "processing":  # it had ended; only what follows a call was cut short
                self._soon(row.conversation_id)
                continue
            log.warning("conversation_was_abandoned", conversation_id=row.conversation_id)
            change = await self._abandoned(row)
            await self.end(row.conversation_id, change)
            self._tell_of(row, change)

    async def run_again(self, conversation_id: str, one: OneCriterion | None = None) -> None:
        """Read a conversation that has ended once more, now, and replace its analysis; or only what it says of one
        criterion. Raises ``NotFound``, ``Conflict`` while it runs or is read already, or when its transcript was
        deleted, ``TooMany`` while many others are to be read again, ``ProviderError`` when no model could (what was
        found out before stays)."""
        await self._readable(conversation_id)
        if conversation_id in self._again:
            raise Conflict(f"Conversation {conversation_id} is being analysed already.")
        await self._again.do(conversation_id, lambda: self._read_again(conversation_id, one))

    async def _readable(self, conversation_id: str) -> ConversationRow:
        row = await self._store.conversations.get(conversation_id)
        if row is None:
            raise NotFound(f"Document with id {conversation_id} not found.")
        if row.status not in ("done", "failed"):
            raise Conflict(f"Conversation {conversation_id} is {row.status}; expected one that is done or failed.")
        if is_erased(row.document):
            raise Conflict(f"The transcript of conversation {conversation_id} was deleted: there is nothing to read.")
        return row

    async def _read_again(self, conversation_id: str, one: OneCriterion | None) -> None:
        row = await self._readable(conversation_id)  # it may have been deleted while it waited
        turns = await self._store.conversations.turns(conversation_id)
        visits = await self._visits(row)
        analysing = self._analysing
        reading = analysing.analyse(row, turns, visits) if one is None else analysing.judge(row, turns, visits, one)
        outcome = await self._traced(row, reading)
        charging: Document = {"metadata": {"charging": {"analysis": outcome.charging}}}
        if outcome.error:
            await self._store.conversations.write(conversation_id, ConversationChange(document=charging))
            raise ProviderError("analysis", f"The conversation could not be analysed: {outcome.error}")
        # First nothing, then the new: documents are merged, and what was found out before must not shine through.
        # Writes that are made together share a transaction.
        documents: tuple[Document, ...] = ({"analysis": None}, {**charging, "analysis": outcome.analysis})
        write = self._store.conversations.write
        await asyncio.gather(*(write(conversation_id, ConversationChange(document=one)) for one in documents))

    async def aclose(self) -> None:
        """Stop. What is still being read stays ``processing`` for the next server."""
        tasks = list(self._work.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # -- the work -----------------------------------------------------------------------------------------------------

    @property
    def _analysing(self) -> Analysing:
        if self._made is None:
            self._made = self._make()
        return self._made

    def _soon(self, conversation_id: str) -> None:
        if conversation_id not in self._work:
            task = asyncio.get_running_loop().create_task(self._process(conversation_id))
            self._work[conversation_id] = task
            task.add_done_callback(lambda _: self._work.pop(conversation_id, None))

    async def _process(self, conversation_id: str) -> None:
        for pause in (*PAUSES_SECONDS, None):
            async with self._places:
                await self._wait_for_calls()
                try:
                    await self._read(conversation_id)
                except Exception:
                    log.exception("after_call_failed", conversation_id=conversation_id)
                else:
                    return
            if pause is not None:
                await asyncio.sleep(pause)
        # It stays "processing": the next start takes it up again.

    async def _wait_for_calls(self) -> None:
        waited = 0.0
        while waited < LONGEST_WAIT_SECONDS and self._is_busy():
            await asyncio.sleep(LOOK_SECONDS)
            waited += LOOK_SECONDS

    async def _read(self, conversation_id: str) -> None:
        row = await self._store.conversations.get(conversation_id)
        if row is None or row.status != "processing":
            return
        change = ConversationChange(status=_final_status(row.document))
        visits = await self._visits(row)
        if self._analysing.is_wanted(visits):
            change = replace(change, document=await self._found_out(row, visits))
        with suppress(NotFound):  # it was deleted meanwhile
            await self._conclude(row, change)

    async def _traced(self, row: ConversationRow, finding_out: Awaitable[Outcome]) -> Outcome:
        """With a span of it, in the trace of the conversation; models are told which one asks."""
        logs.about(conversation_id=row.conversation_id, agent_id=row.agent_id)
        tracer = self._tracer
        if tracer is None:
            current.set(kept(row.document))
            return await finding_out
        context = tracer.of_record(row.conversation_id, row.document)
        own = context.child("analysis", _runs(row.document))
        current.set(own)
        began = tracer.now()

        def told(error: str | None, spent: Document | None = None) -> None:
            if context.is_sampled:
                ids = own.trace_id, own.span_id, context.span_id
                attributes = {
                    "gen_ai.conversation.id": row.conversation_id,
                    "gen_ai.agent.id": row.agent_id,
                    "error.type": error,
                    **tokens((spent or {}).get("last_run", {}).get("x_llm_usage") or {}),
                }
                tracer.put(Span(*ids, "analysis", began, tracer.now(), attributes, error=error))

        try:
            outcome = await finding_out
        except Exception:  # one that the end of the server cuts short is made again, and told then
            told("failed")
            raise
        told("failed" if outcome.error else None, outcome.charging)
        return outcome

    async def _found_out(self, row: ConversationRow, visits: Sequence[Visit]) -> Document:
        """What the analysis adds to the record; what goes wrong with it is told there."""
        try:
            turns = await self._store.conversations.turns(row.conversation_id)
            outcome = await self._traced(row, self._analysing.analyse(row, turns, visits))
        except StoreError:
            raise  # the database is away: all of it is tried again
        except Exception as error:
            log.exception("analysis_failed", conversation_id=row.conversation_id)
            self.read["failed"] += 1
            reason = error.message if isinstance(error, ParolaError) else "something went wrong on the server"
            return {"metadata": {"warnings": [*_warnings(row), f"The analysis failed: {reason}"]}}
        metadata: Document = {"charging": {"analysis": outcome.charging}}
        self.read["failed" if outcome.error else "complete"] += 1
        if outcome.error:
            metadata["warnings"] = [*_warnings(row), f"The analysis failed: {outcome.error}"]
        return {"metadata": metadata, "analysis": outcome.analysis}

    async def _conclude(self, row: ConversationRow, change: ConversationChange) -> None:
        """The end, with the webhooks that are due, in one transaction."""
        from parola.webhooks.announcing import announcements

        ended = replace(
            row,
            status=change.status or row.status,
            ended_at=change.ended_at or row.ended_at,
            termination_reason=change.termination_reason or row.termination_reason,
            has_audio=row.has_audio if change.has_audio is None else change.has_audio,
        )
        deliveries = await announcements(self._store, ended, time.time())
        await self._store.conversations.conclude(row.conversation_id, change, deliveries)

    async def _abandoned(self, row: ConversationRow) -> ConversationChange:
        """The end of a conversation whose server was killed: at the last thing that was stored of it, or heard."""
        turns = await self._store.conversations.numbered_turns(row.conversation_id)
        spool = spool_of(self._store.recording_path(row.conversation_id))
        metadata: Document = row.document.get("metadata") or {}
        last = max(
            turns[max(turns)].get("time_in_call_secs") or 0 if turns else 0,
            last_noted(metadata),
            await asyncio.to_thread(_seconds_in, spool),
        )
        close = {"code": STOPPED_CODE, "reason": "", "by": "crash", "status": "failed"}
        return ConversationChange(
            turns=with_results(turns),
            status="failed",
            ended_at=row.started_at + last,
            termination_reason=SERVER_STOPPED,
            has_audio=await asyncio.to_thread(spool.is_file) or None,
            document={
                "metadata": {
                    "error": {"code": 1011, "reason": SERVER_STOPPED},
                    "x_close": close,
                    **human_waits_cut(metadata, last),
                }
            },
        )

    def _tell_of(self, row: ConversationRow, change: ConversationChange) -> None:
        """The span of a conversation whose server was killed: those of its turns have it as their parent. Whose span it
        was below is not known any more."""
        if self._tracer is None:
            return
        context = self._tracer.of_record(row.conversation_id, row.document)
        if context.is_sampled:
            attributes = {
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.agent.id": row.agent_id,
                "gen_ai.conversation.id": row.conversation_id,
                "parola.close.code": STOPPED_CODE,
                "parola.status": "failed",
                "error.type": "crash",
            }
            times = row.started_at, change.ended_at or row.started_at
            ids = context.trace_id, context.span_id, ""
            self._tracer.put(Span(*ids, "invoke_agent", *times, attributes, kind=SERVER, error="crash"))

    async def _visits(self, row: ConversationRow, document: Document | None = None) -> list[Visit]:
        """The agents that had the conversation; ``document`` is what is about to be added to its record."""
        found: list[Visit] = []
        for agent_id, branch_id in visited(row, document):
            agent = await self._store.agents.get(agent_id)
            found.append(Visit(agent_id, branch_id, None if agent is None else agent.document))
        return found


def _final_status(document: Document) -> str:
    """What a conversation is after it was read. Without an account of its close, an error says that it failed."""
    metadata: Document = document.get("metadata") or {}
    close: Document = metadata.get("x_close") or {}
    return str(close.get("status") or ("failed" if metadata.get("error") else "done"))


def _seconds_in(spool: Path) -> float:
    """How long a recording is that a killed server left. Blocks; what reads it is loaded when there is one."""
    if not spool.exists():
        return 0.0
    from parola.session.spool import seconds_in

    return seconds_in(spool)


def _runs(document: Document) -> int:
    """How often a conversation was read before."""
    charging = ((document.get("metadata") or {}).get("charging") or {}).get("analysis") or {}
    return int((charging.get("total") or {}).get("runs") or 0)


def _warnings(row: ConversationRow) -> list[str]:
    return list((row.document.get("metadata") or {}).get("warnings") or ())
