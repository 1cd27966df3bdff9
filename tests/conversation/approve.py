"""What the conversations on the tapes lead to, written so that a change of the rules can be read as a diff.

Beside each tape, ``tapes/<name>.jsonl``, lies ``<name>.actions``: every step of the call with what it asked for. When
a rule changes on purpose, write them anew and read the diff before you commit it::

    python -m tests.conversation.approve

A new tape is a file that ``parola.session.tape`` wrote, put beside the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson

from parola.conversation.actions import (
    Action,
    Close,
    ForgetSpeech,
    Record,
    Send,
    StartReply,
    StopReply,
    TranscribeNow,
    Warn,
)
from parola.protocol.server_messages import Audio
from parola.session.tape import Step, Tape, read

TAPES = Path(__file__).parent / "tapes"


def tapes() -> list[Path]:
    return sorted(TAPES.glob("*.jsonl"))


def approved(tape: Path) -> Path:
    """Where the approved actions of a tape are."""
    return tape.with_suffix(".actions")


def performed(tape: Tape) -> str:
    """The call as text: a line for each step that asked for something, and one for each action below it."""
    return "".join(f"{line}\n" for line in _lines(tape))


def _lines(tape: Tape) -> Iterator[str]:
    for step, actions in tape.play():
        if actions:
            yield f"{step.now - tape.began_at:.3f} {_name(step)}"
            yield from (f"    {_told(action)}" for action in actions)


def _name(step: Step) -> str:
    return "woken" if step.event is None else type(step.event).__name__


def _told(action: Action) -> str:
    match action:
        case Send(message=Audio() as audio):
            return f"send audio {audio.event_id}"
        case Send(message=message):
            return f"send {message.event_type} {_json(message.payload())}"
        case Record(index=index, turn=turn):
            return f"record {index} {_json({k: value for k, value in turn.items() if value and k != 'x_timeline'})}"
        case StartReply(request=None):
            return f"start reply {action.reply}, verbatim: {action.verbatim}"
        case StartReply(request=request):
            return f"start reply {action.reply} {_json(list(request.messages))}"
        case StopReply():
            return f"stop reply {action.reply}"
        case TranscribeNow():
            return "transcribe now"
        case ForgetSpeech():
            return "forget speech"
        case Warn():
            return f"warn {action.message}"
        case Close():
            return f"close {action.code} {action.reason!r} {action.status}: {action.termination_reason}"


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def main() -> None:
    for tape in tapes():
        approved(tape).write_text(performed(read(tape)), encoding="utf-8")
        print(f"approved {approved(tape)}")


if __name__ == "__main__":
    main()
