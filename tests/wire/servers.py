"""A real server in a process of its own, to talk to, to break, to kill; and the agents that tests talk to."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import Any, Self

import httpx2 as httpx

COMMAND = (sys.executable, "-m", "parola.cli")

START_SECONDS = 30.0
"""For a busy machine; an idle one needs a second."""

STOP_SECONDS = 15.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


NOBODY_IS_HELD = {"PAROLA_HOLD_WHEN_BUSY": "false"}
"""The machine that tests may be busy with other things: no test may depend on that, unless it asks to."""


NOBODY_MAY_FINISH = {"PAROLA_DRAIN_SECONDS": "0"}
"""A test that is over does not wait for the conversations it has left, unless it asks to."""

NOTHING_IS_READ = {"PAROLA_ANALYSIS": "off"}
"""Models in tests answer what they were told to, and count how often they were asked: they are not asked to analyse
conversations, unless a test wants that."""


class ServerProcess:
    """``parola serve`` with the given arguments; ends with the block, by its own process id."""

    def __init__(self, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        self._arguments = arguments
        self._environment = environment or {}
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the server
        self.port = free_port()
        self.http = httpx.Client(base_url=self.url, timeout=20, trust_env=False)
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()
        self.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        return f"ws://127.0.0.1:{self.port}/v1/convai/conversation"

    @property
    def log(self) -> str:
        """What the server has written so far."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    # -- the process --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start, and wait until it listens."""
        ours = ("PAROLA_", "DATABASE_URL")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(ours) or k == "PAROLA_MODELS"}
        self.process = subprocess.Popen(
            [*COMMAND, "serve", "--port", str(self.port), *self._arguments],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env={**inherited, **NOBODY_IS_HELD, **NOBODY_MAY_FINISH, **NOTHING_IS_READ, **self._environment},
            cwd=tempfile.gettempdir(),
        )
        deadline = time.monotonic() + START_SECONDS
        while not self._listens():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise AssertionError(f"the server did not start:\n{self.log[-4000:]}")
            time.sleep(0.02)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        """End it as a supervisor would."""
        process, self.process = self.process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def kill(self) -> None:
        """End it as a power cut would."""
        process, self.process = self.process, None
        assert process is not None
        process.kill()
        process.wait()

    # -- the API ------------------------------------------------------------------------------------------------------

    def create_agent(self, agent: Mapping[str, Any]) -> str:
        """The id of a new agent."""
        answer = self.http.post("/v1/convai/agents/create", json=agent)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["agent_id"])

    def socket_of(self, agent_id: str) -> str:
        """Where a raw client calls an agent."""
        return f"{self.ws}?agent_id={agent_id}"

    def record(self, conversation_id: str) -> dict[str, Any]:
        """The conversation as the API shows it."""
        answer = self.http.get(f"/v1/convai/conversations/{conversation_id}")
        assert answer.status_code == 200, answer.text
        record: dict[str, Any] = answer.json()
        return record

    def listed(self, agent_id: str, *, messages: int) -> dict[str, Any]:
        """The agent's one conversation as the list shows it, once that many messages are stored."""
        deadline = time.monotonic() + 10.0
        while True:
            answer = self.http.get("/v1/convai/conversations", params={"agent_id": agent_id})
            conversation: dict[str, Any] = next(iter(answer.json()["conversations"]), {})
            count = conversation.get("message_count", 0)
            if count >= messages:
                return conversation
            assert time.monotonic() < deadline, f"{count} of {messages} messages"
            time.sleep(0.01)

    def ended_record(self, conversation_id: str, timeout: float = 30.0) -> dict[str, Any]:
        """The record once the conversation has ended: a client may see the close before the store does."""
        deadline = time.monotonic() + timeout
        while True:
            record = self.record(conversation_id)
            if record["status"] in ("done", "failed"):
                return record
            assert time.monotonic() < deadline, f"still {record['status']}"
            time.sleep(0.01)


# -- agents -----------------------------------------------------------------------------------------------------------


def agent(
    *rules: Mapping[str, Any],
    first_message: str = "",
    default: str = "I heard: {{last_user}}",
    tools: Sequence[Mapping[str, Any]] = (),
    config: Mapping[str, Any] | None = None,
    platform: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """An agent that follows rules; ``config`` is laid over its ``conversation_config``, section by section."""
    sections: dict[str, Any] = {
        "agent": {
            "first_message": first_message,
            "language": "en",
            "prompt": {
                "prompt": "You are part of a test.",
                "llm": "scripted",
                "tools": list(tools),
                "x_script": {"rules": list(rules), "default": default},
            },
        },
        "turn": {"turn_timeout": -1},
    }
    for name, section in (config or {}).items():
        sections[name] = {**sections.get(name, {}), **section}
    return {"name": "Wire", "conversation_config": sections, "platform_settings": dict(platform or {})}


def client_tool(name: str, *, expects_response: bool = True, timeout: int = 5, **parameters: str) -> dict[str, Any]:
    """A tool that the client runs; ``parameters`` are name to JSON type."""
    return {
        "type": "client",
        "name": name,
        "description": f"The tool {name}",
        "expects_response": expects_response,
        "response_timeout_secs": timeout,
        "parameters": {
            "type": "object",
            "properties": {key: {"type": kind, "description": key} for key, kind in parameters.items()},
        },
    }


END_CALL = {"type": "system", "name": "end_call", "description": "", "params": {"system_tool_type": "end_call"}}

ALLOWING = {
    "overrides": {
        "conversation_config_override": {
            "agent": {"first_message": True, "language": True, "prompt": {"prompt": True}},
            "tts": {"voice_id": True},
        }
    }
}
"""``platform_settings`` that let a client replace the usual things."""


def said(record: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    """A stored transcript as (role, message)."""
    return [(turn["role"], turn["message"]) for turn in record["transcript"]]
