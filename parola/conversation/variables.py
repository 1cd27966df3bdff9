"""Dynamic variables as they stand: what the call began with, what tools have set since, and the system's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from parola.conversation import prompt
from parola.conversation.prompt import Lookup
from parola.conversation.setup import Setup
from parola.conversation.transcript import Transcript


class Variables:
    """One conversation's. ``secret__*`` is for headers only: no lookup ever shows it to a model."""

    __slots__ = ("_started_at", "_transcript", "setup", "values")

    def __init__(self, setup: Setup, transcript: Transcript, started_at: float) -> None:
        self.setup = setup
        self._transcript = transcript
        self._started_at = started_at
        self.values: dict[str, Any] = dict(setup.variables)
        """All but the system's."""

    def lookup(self, now: float) -> Lookup:
        """For what a model, a caller or a log may see."""
        return prompt.lookup_in(self.values, lambda name: self._system(name, now))

    def snapshot(self, now: float) -> Mapping[str, Any]:
        """All of them by name, secrets included: for requests to the outside, whose headers may need them. What tools
        set later does not show in it."""
        environment = {prompt.ENVIRONMENT + k: v for k, v in self.setup.environment_variables.items()}
        return Snapshot({**self.values, **environment}, lambda name: self._system(name, now))

    def native(self, now: float) -> Callable[[str], Any]:
        """For expressions: values as they are, null where there is none; no secrets."""

        def value(name: str) -> Any:
            if name.startswith("secret__"):
                return None
            return self._system(name, now) if name.startswith("system__") else self.values.get(name)

        return value

    def fill_in(self, text: str, now: float) -> str:
        """``text`` with the variables it names."""
        return prompt.fill_in(text, self.lookup(now))

    def take_over(self, setup: Setup) -> None:
        """Another agent has the conversation: what it brings along holds where nothing has been set yet."""
        self.setup = setup
        self.values = {**setup.variables, **self.values}

    def assign(self, name: str, value: Any, now: float) -> tuple[Any, float]:
        """Set one of them. Gives back what it was (None: nothing), and the wall clock."""
        old, self.values[name] = self.values.get(name), value
        return old, self.setup.started_at_unix + now - self._started_at

    def _system(self, name: str, now: float) -> str | None:
        setup, elapsed = self.setup, now - self._started_at
        match name:
            case "system__agent_id":
                return setup.root_agent_id or setup.agent_id
            case "system__current_agent_id":
                return setup.agent_id
            case "system__conversation_id":
                return setup.conversation_id
            case "system__call_duration_secs":
                return str(int(elapsed))
            case "system__time_utc":
                return prompt.utc_time(setup.started_at_unix + elapsed)
            case "system__time":
                return prompt.spoken_time(setup.started_at_unix + elapsed, setup.timezone)
            case "system__timezone":
                return setup.timezone or "UTC"
            case "system__agent_turns":
                return str(self._transcript.agent_turns())
            case "system__current_agent_turns":
                return str(self._transcript.agent_turns(of_agent=True))
            case "system__current_subagent_turns":
                return str(self._transcript.agent_turns(of_agent=True, of_node=True))
            case "system__is_text_only":
                return "true" if setup.text_only else "false"
            case "system__conversation_history":
                return self._transcript.history()
            case _ if name.startswith(prompt.ENVIRONMENT):
                label = name.removeprefix(prompt.ENVIRONMENT)
                return setup.environment_variables.get(label, self.values.get(name))
            case _ if name in prompt.PHONE_VARIABLES:
                return prompt.as_text(setup.variables.get(name))
            case _:
                return None


class Snapshot(Mapping[str, Any]):
    """Variables at one moment. The system's, the whole history among them, are only worked out when somebody asks:
    most calls never do."""

    __slots__ = ("_system", "_values")

    def __init__(self, values: dict[str, Any], system: Lookup) -> None:
        self._values = values
        self._system = system

    def __getitem__(self, name: str) -> Any:
        if name in _SYSTEM:
            return self._system(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        yield from (name for name in self._values if name not in _SYSTEM)
        yield from prompt.SYSTEM_VARIABLES

    def __len__(self) -> int:
        return len(_SYSTEM | self._values.keys())


_SYSTEM = frozenset(prompt.SYSTEM_VARIABLES)
