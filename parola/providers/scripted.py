"""A language model with no model in it: the same in, the same out, in no time.

It ships, because tests and demo agents need it, and because a server without any model must still be worth starting.
``ScriptedModel`` follows rules; they are in the agent (``prompt.x_script``), else in the file that
``[llm.NAME] script = "rules.yaml"`` names. With neither it makes do with the prompt and the tools it is offered, and
says so (``scripted_brain.py``). The ear and the mouth that go with it are in ``scripted_speech.py``.

A script, as YAML or JSON::

    rules:                              # tried in order, the first that matches the user's last message answers
      - when: [opening hours, "/\\bopen (?:on )?(?P<day>\\w+day)/"]
        say: "On {{day}} we open at nine."
      - when: "/table for (\\w+)/"
        say: "One moment."              # said before the call
        call: {tool: book_table, arguments: {guests: "{{1}}"}}
        then: "Booked, your number is {{result.number}}."
        otherwise: "That did not work: {{result}}"
      - when: joke
        once: true                      # in a conversation; then the next rule that matches answers
        delay: 0.5                      # seconds to the first word
        rate: 4                         # words a second; without it all at once
        say: "Two bits walk into a bar."
      - when: break
        fail: "The model is on fire."   # raises ProviderError
    default: "I can tell you the opening hours."
    on_silence: "Are you still there?"
    analysis:                           # what it answers when the call is analysed (scripted_analysis.py)
      evaluation_criteria: {polite: success}
      data_collection: {guests: 4}
      transcript_summary: "Somebody booked a table."

* ``when``: words, which match case-insensitively, as whole words, whatever the punctuation; or a ``/regular
  expression/``, searched case-insensitively; or ``*``, which matches anything; or a list of these.
* ``say`` and every text among ``arguments`` are templates: ``{{1}}`` and ``{{name}}`` are groups of the expression,
  ``{{0}}`` is what it matched, ``{{last_user}}`` the user's message, ``{{result}}`` the last tool's result and
  ``{{result.path.to.0}}`` a part of it, ``{{system__time}}`` the time. An argument that is one template alone keeps
  the value's type, and every argument takes the type its tool asks for ("four" becomes 4).
* ``call`` is one call or a list of calls. ``end_call`` is a tool like any other.
* ``then`` follows when the tools succeeded, ``otherwise`` when one failed; without them the result is read out. A tool
  has failed when it says so or timed out, and when its answer is an object with an ``error``.
* Wherever a text is expected in ``then``, ``otherwise``, ``default`` and ``on_silence``, an object with ``say``,
  ``call``, ``then``, ``otherwise``, ``fail``, ``delay`` and ``rate`` may stand as well.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from parola.errors import InvalidRequest, ProviderError
from parola.providers.base import (
    JSON,
    Capabilities,
    ModelEvent,
    ModelRequest,
    TextDelta,
    TokenUsage,
    ToolCallRequested,
    ToolDefinition,
)
from parola.providers.scripted_analysis import answer_to
from parola.providers.scripted_brain import improvise
from parola.providers.scripted_text import (
    LONGEST_MESSAGE,
    Turn,
    is_failure,
    is_silence,
    normalised,
    number_in,
    plain_quotes,
    quoted,
    readable,
    reading_of,
    text_of,
    trimmed,
    turn_of,
)

_CHARACTERS_PER_TOKEN = 4

# -- scripts --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Call:
    tool: str
    arguments: Mapping[str, JSON] = field(default_factory=dict)
    """Texts among them are templates."""


@dataclass(frozen=True, slots=True)
class Step:
    """What the model does in one step, and in the next once its tools have answered."""

    say: str = ""
    calls: tuple[Call, ...] = ()
    then: Step | None = None
    otherwise: Step | None = None
    fail: str = ""
    delay: float = 0.0
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    words: tuple[str, ...]
    """Normalised, with a space at either end; ``*`` matches anything."""
    expressions: tuple[re.Pattern[str], ...]
    step: Step
    once: bool = False


@dataclass(frozen=True, slots=True)
class Script:
    rules: tuple[Rule, ...] = ()
    default: Step | None = None
    on_silence: Step | None = None
    analysis: Mapping[str, JSON] | None = None


_STEP_KEYS = ("say", "call", "then", "otherwise", "fail", "delay", "rate")


def load_script(path: Path) -> Script:
    """The script in a YAML (or JSON) file; raises ``InvalidRequest`` when it cannot be read or is no script."""
    import yaml

    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidRequest(f"The script {path} cannot be read: {error}") from None
    return parse_script(document, str(path))


def parse_script(document: Any, where: str = "x_script") -> Script:
    """Check a script and make it ready; ``InvalidRequest`` says which part is wrong, what was expected, what came."""
    _check(document, where, Mapping, "an object")
    _known_keys(document, where, ("rules", "default", "on_silence", "analysis"))
    rules = document.get("rules") or ()
    _check(rules, f"{where}.rules", list | tuple, "a list")
    analysis = document.get("analysis")
    _check(analysis or {}, f"{where}.analysis", Mapping, "an object")
    return Script(
        tuple(_rule(rule, f"{where}.rules[{index}]") for index, rule in enumerate(rules)),
        _optional_step(document, "default", where),
        _optional_step(document, "on_silence", where),
        analysis,
    )


def _rule(document: Any, where: str) -> Rule:
    _check(document, where, Mapping, "an object")
    _known_keys(document, where, ("when", "once", *_STEP_KEYS))
    if "when" not in document:
        raise InvalidRequest(f'{where}: "when" is missing.')
    once = document.get("once", False)
    _check(once, f"{where}.once", bool, "true or false")
    words: list[str] = []
    expressions: list[re.Pattern[str]] = []
    patterns = document["when"] if isinstance(document["when"], list | tuple) else [document["when"]]
    for pattern in patterns:
        _check(pattern, f"{where}.when", str, "words, /an expression/ or a list of them")
        if len(pattern) > 2 and pattern.startswith("/") and pattern.endswith("/"):
            try:
                expressions.append(re.compile(pattern[1:-1], re.IGNORECASE))
            except re.error as error:
                raise InvalidRequest(f"{where}.when: {pattern} is no regular expression: {error}.") from None
        elif pattern.strip() == "*":
            words.append("*")
        elif phrase := normalised(pattern):
            words.append(f" {phrase} ")
        else:
            raise InvalidRequest(f"{where}.when: expected words, got {pattern!r}.")
    if not patterns:
        raise InvalidRequest(f"{where}.when: expected at least one pattern, got an empty list.")
    return Rule(tuple(words), tuple(expressions), _step(document, where), once)


def _optional_step(document: Mapping[str, Any], key: str, where: str) -> Step | None:
    value = document.get(key)
    if value is None:
        return None
    where = f"{where}.{key}"
    if isinstance(value, str):
        return Step(say=value)
    _check(value, where, Mapping, "a text or an object")
    _known_keys(value, where, _STEP_KEYS)
    return _step(value, where)


def _step(document: Mapping[str, Any], where: str) -> Step:
    for key in ("say", "fail"):
        _check(document.get(key, ""), f"{where}.{key}", str, "a text")
    for key in ("delay", "rate"):
        if key in document:
            _check(document[key], f"{where}.{key}", int | float, "a number")
            if document[key] < 0 or (key == "rate" and document[key] == 0):
                raise InvalidRequest(f"{where}.{key}: expected more than zero, got {document[key]}.")
    calls = document.get("call") or ()
    step = Step(
        say=document.get("say", ""),
        calls=tuple(_call(call, f"{where}.call") for call in (calls if isinstance(calls, list | tuple) else [calls])),
        then=_optional_step(document, "then", where),
        otherwise=_optional_step(document, "otherwise", where),
        fail=document.get("fail", ""),
        delay=float(document.get("delay", 0.0)),
        rate=float(document["rate"]) if "rate" in document else None,
    )
    if not (step.say or step.calls or step.fail):
        raise InvalidRequest(f'{where}: expected "say", "call" or "fail", got none of them.')
    return step


def _call(document: Any, where: str) -> Call:
    _check(document, where, Mapping, "an object")
    _known_keys(document, where, ("tool", "arguments"))
    tool, arguments = document.get("tool"), document.get("arguments") or {}
    _check(tool, f"{where}.tool", str, "the name of a tool")
    _check(arguments, f"{where}.arguments", Mapping, "an object")
    return Call(str(tool), arguments)


def _check(value: Any, where: str, kind: Any, expected: str) -> None:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise InvalidRequest(f"{where}: expected {expected}, got {value!r}.")


def _known_keys(document: Mapping[str, Any], where: str, known: Sequence[str]) -> None:
    for key in document:
        if key not in known:
            raise InvalidRequest(f'{where}: "{key}" is unknown. Known: {", ".join(known)}.')


@lru_cache(maxsize=256)
def _parsed(document: bytes) -> Script:
    return parse_script(orjson.loads(document))


# -- the language model ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Plan:
    """One step, decided: what is said and what is called."""

    say: str = ""
    calls: tuple[ToolCallRequested, ...] = ()
    delay: float = 0.0
    rate: float | None = None


class ScriptedModel:
    """``LanguageModel`` that follows a script, see the top of this file. The request's script wins over its own."""

    name = "scripted"
    capabilities = Capabilities(tools=True, offline=True)
    context_tokens = 32_768

    def __init__(self, script: Script | None = None) -> None:
        self._script = script

    async def step(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """One delta for each word, then the calls, then the usage. Raises ``ProviderError`` when the rule says
        ``fail``, and when the request's script is none."""
        plan = _decide(self._script_of(request), request)
        if plan.delay:
            await asyncio.sleep(plan.delay)
        for position, word in enumerate(re.findall(r"\s*\S+\s*", plan.say)):
            if plan.rate and position:
                await asyncio.sleep(1 / plan.rate)
            yield TextDelta(word)
        for call in plan.calls:
            yield call
        read = sum(len(text_of(message)) for message in request.messages)
        yield TokenUsage(read // _CHARACTERS_PER_TOKEN, len(plan.say) // _CHARACTERS_PER_TOKEN)

    async def aclose(self) -> None:
        """There is nothing to close."""

    def _script_of(self, request: ModelRequest) -> Script | None:
        if not request.script:
            return self._script
        try:
            return _parsed(orjson.dumps(request.script, default=dict))
        except (InvalidRequest, TypeError) as error:
            raise ProviderError(self.name, f"The agent's script is not valid: {error}") from None


def _decide(script: Script | None, request: ModelRequest) -> _Plan:
    if request.response_schema is not None:
        given = (script.analysis if script is not None else None) or {}
        if given.get("fail"):
            raise ProviderError(ScriptedModel.name, str(given["fail"]))
        delay = given.get("delay")
        return _Plan(answer_to(request.response_schema, given), delay=float(delay) if delay else 0.0)
    turn = turn_of(request.messages)
    if script is None:
        return _Plan(*improvise(request, turn))
    step, match = _chosen(script, request.messages, turn)
    for results in turn.rounds:
        failed = any(is_failure(result) for result in results)
        step = (step.otherwise if failed else step.then) if step is not None else None
    if step is None:
        if turn.rounds:
            return _Plan(reading_of(request.messages, turn.rounds[-1]))
        if turn.is_silent:
            return _Plan("Are you still there?")
        return _Plan(f"No rule of my script matches: {quoted(turn.user)}.")
    if step.fail:
        raise ProviderError(ScriptedModel.name, step.fail)
    return _performed(step, request, _Values(turn, match))


def _chosen(
    script: Script, messages: Sequence[Mapping[str, JSON]], turn: Turn
) -> tuple[Step | None, re.Match[str] | None]:
    if turn.is_silent:
        return script.on_silence, None
    used: set[int] = set()
    if any(rule.once for rule in script.rules):
        earlier = [text_of(message) for message in messages if message.get("role") == "user"][:-1]
        for text in earlier:
            index, _ = _matching(script.rules, text, used)
            if index is not None and script.rules[index].once:
                used.add(index)
    index, match = _matching(script.rules, turn.user, used)
    return (script.default if index is None else script.rules[index].step), match


def _matching(rules: Sequence[Rule], text: str, used: set[int]) -> tuple[int | None, re.Match[str] | None]:
    """The first rule for a message, the used ones left out."""
    if is_silence(text):
        return None, None
    text = plain_quotes(text[:LONGEST_MESSAGE])
    words = f" {normalised(text)} "
    for index, rule in enumerate(rules):
        if index in used:
            continue
        for expression in rule.expressions:
            if (match := expression.search(text)) is not None:
                return index, match
        if any(phrase == "*" or phrase in words for phrase in rule.words):
            return index, None
    return None, None


def _performed(step: Step, request: ModelRequest, values: _Values) -> _Plan:
    """The step with its templates filled in; a tool that is not offered becomes a sentence that says so."""
    offered = {tool.name: tool for tool in request.tools}
    say = [_filled(step.say, values)]
    calls: list[ToolCallRequested] = []
    for call in step.calls:
        if call.tool in offered:
            arguments = {name: _argument(value, values) for name, value in call.arguments.items()}
            calls.append(ToolCallRequested(call.tool, _typed(arguments, offered[call.tool])))
        else:
            say.append(f'I would call the tool "{call.tool}" now, but it is not configured for this agent.')
    return _Plan(" ".join(text for text in say if text), tuple(calls), step.delay, step.rate)


# -- templates ------------------------------------------------------------------------------------------------------

_TEMPLATE = re.compile(r"\{\{\s*([A-Za-z0-9_.\-]+)\s*\}\}")


@dataclass(frozen=True, slots=True)
class _Values:
    """What templates may name."""

    turn: Turn
    match: re.Match[str] | None

    def __getitem__(self, name: str) -> JSON:
        """The value, None when there is none."""
        head, _, path = name.partition(".")
        if head == "result":
            return _part(self.turn.last_result, path)
        if head == "last_user":
            return self.turn.user
        if self.match is not None:
            if head.isdigit() and int(head) <= self.match.re.groups:
                return trimmed(self.match[int(head)])
            if head in self.match.re.groupindex:
                return trimmed(self.match[head])
        if head in ("system__time", "system__time_utc"):
            now = datetime.now(tz=UTC)
            return now.isoformat(timespec="seconds") if head.endswith("utc") else now.strftime("%A, %H:%M %d %B %Y")
        return None


def _filled(template: str, values: _Values) -> str:
    return _TEMPLATE.sub(lambda match: readable(values[match[1]]), template)


def _argument(value: JSON, values: _Values) -> JSON:
    match value:
        case str():
            alone = _TEMPLATE.fullmatch(value.strip())
            return values[alone[1]] if alone else _filled(value, values)
        case Mapping():
            return {key: _argument(item, values) for key, item in value.items()}
        case list() | tuple():
            return [_argument(item, values) for item in value]
        case _:
            return value


def _part(value: JSON, path: str) -> JSON:
    for key in path.split(".") if path else ():
        if isinstance(value, Mapping):
            value = value.get(key)
        elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def _typed(arguments: Mapping[str, JSON], tool: ToolDefinition) -> dict[str, JSON]:
    """The arguments as the tool's schema wants them; those without a value are left out."""
    properties = tool.parameters.get("properties") or {}
    typed: dict[str, JSON] = {}
    for name, value in arguments.items():
        if value is None:
            continue
        kind = (properties.get(name) or {}).get("type")
        if isinstance(value, str) and kind in ("integer", "number"):
            number = number_in(value)
            value = value if number is None else number
        elif isinstance(value, str) and kind == "boolean":
            value = normalised(value) not in ("", "no", "false", "off", "0")
        elif kind == "string" and not isinstance(value, str):
            value = readable(value)
        typed[name] = value
    return typed
