"""Starting and ending what is measured: Parola itself, and the fakes behind it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from bench.figures import Buckets, buckets
from bench.load import Target
from bench.machine import NotRunning, ProcessTree, end, free_port, pin, wait_for_port

SERVER_CPU, OWN_CPU = 0, 1

VOICE_AGENT: dict[str, Any] = {
    "name": "bench voice",
    "conversation_config": {
        "agent": {"first_message": "", "language": "en", "prompt": {"prompt": "You are a helpful assistant."}},
        "asr": {"user_input_audio_format": "pcm_16000"},
        "tts": {"agent_output_audio_format": "pcm_24000"},
        "turn": {"turn_timeout": -1, "silence_end_call_timeout": -1, "turn_eagerness": "normal"},
        "conversation": {"max_duration_seconds": 7200},
    },
}

TEXT_AGENT: dict[str, Any] = {
    "name": "bench text",
    "conversation_config": {
        "agent": {"first_message": "", "language": "en", "prompt": {"prompt": "You are a helpful assistant."}},
        "conversation": {"max_duration_seconds": 7200, "text_only": True},
    },
}

TOOL_AGENT: dict[str, Any] = {
    "name": "bench tool",
    "conversation_config": {
        "agent": {"first_message": "", "language": "en", "prompt": {"prompt": "You are a helpful assistant."}},
        "conversation": {"max_duration_seconds": 7200, "text_only": True},
    },
}
"""Without its tool: that needs an address."""

DEMO_AGENT: dict[str, Any] = {**VOICE_AGENT, "name": "bench demo"}
"""With the scripted language model, which answers at once."""


@dataclass(frozen=True, slots=True)
class Running:
    """A process that listens on a port."""

    process: subprocess.Popen[bytes]
    port: int
    start_seconds: float
    """From starting the process to its port being open."""

    log: Path
    """Its output."""

    @property
    def tree(self) -> ProcessTree:
        return ProcessTree(self.process.pid)

    def check(self) -> None:
        """Raises ``NotRunning`` when it is gone: figures of a server that died are none."""
        if self.process.poll() is not None:
            raise NotRunning(
                f"It ended with code {self.process.returncode} while it was measured. Its output: {self.log}"
            )

    def ask(self, path: str, body: Any = None) -> Any:
        """GET, or POST when there is a body; the answer's JSON."""
        url = f"http://127.0.0.1:{self.port}{path}"
        data = None if body is None else orjson.dumps(body)
        request = urllib.request.Request(url, data, {"content-type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return orjson.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{path}: {error.code} {error.read().decode(errors='replace')[:500]}") from error

    def loop_lag(self) -> Buckets:
        """How late the event loop has been since the server started, by ``GET /metrics``."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=20) as answer:
            return buckets(answer.read().decode(), "parola_loop_lag_seconds")

    def create_agent(self, agent: dict[str, Any]) -> Target:
        agent_id = self.ask("/v1/convai/agents/create", agent)["agent_id"]
        return Target(self.port, f"/v1/convai/conversation?agent_id={agent_id}")


def tool_agent(models: Running) -> dict[str, Any]:
    """``TOOL_AGENT`` with a webhook tool that the fakes answer."""
    reference = {"type": "integer", "description": "The number of the order"}
    tool = {
        "type": "webhook",
        "name": "look_up",
        "description": "Look an order up",
        "api_schema": {
            "url": f"http://127.0.0.1:{models.port}/v1/tool",
            "method": "POST",
            "request_body_schema": {"type": "object", "required": ["ref"], "properties": {"ref": reference}},
        },
    }
    config = TOOL_AGENT["conversation_config"]
    prompt = {**config["agent"]["prompt"], "tools": [tool]}
    return {**TOOL_AGENT, "conversation_config": {**config, "agent": {**config["agent"], "prompt": prompt}}}


@contextmanager
def fakes() -> Iterator[Running]:
    """The fake models, beside the callers."""
    with _running([sys.executable, "-m", "bench.fakes"], "fakes", OWN_CPU, os.environ) as started:
        yield started


@contextmanager
def parola(models: Running | None, *arguments: str) -> Iterator[Running]:
    """``parola serve --ephemeral`` on a processor of its own, with the fakes behind it, or with embedded speech."""
    # What the person at the keyboard has set must not change what is measured; where the models are, may.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PAROLA_") or k == "PAROLA_MODELS"}
    # What is measured is how much the machine can take, not how well it keeps more away.
    environment["PAROLA_HOLD_WHEN_BUSY"] = "false"
    if models is not None:
        base_url = f"http://127.0.0.1:{models.port}/v1"
        environment |= {f"PAROLA_{kind}_BASE_URL": base_url for kind in ("LLM", "STT", "TTS")}
        # The turn policy of all columns: half a second of silence, and no model that judges the sound.
        environment["PAROLA_TURN_DETECTOR"] = "off"
    command = [str(Path(sys.executable).with_name("parola")), "serve", "--ephemeral", *arguments]
    with _running(command, "parola", SERVER_CPU, environment, cwd=tempfile.gettempdir()) as started:
        yield started


@contextmanager
def _running(
    command: list[str], name: str, cpu: int, environment: Mapping[str, str], cwd: str | None = None
) -> Iterator[Running]:
    port = free_port()
    log = Path(tempfile.gettempdir()) / f"parola-bench-{name}.log"
    with log.open("wb") as output:
        start = time.monotonic()
        process = subprocess.Popen(
            [*command, "--port", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd=cwd,
        )
        try:
            pin(process.pid, cpu)
            wait_for_port(port, process, log)
            yield Running(process, port, time.monotonic() - start, log)
        finally:
            end(process)
