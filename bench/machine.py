"""Processes, processor time and memory, as the operating system tells them."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]

PORT_SECONDS = 60.0
END_SECONDS = 10.0


class NotRunning(Exception):
    """A process that was started did not come up, or is gone; the text says where it wrote why."""


@dataclass(frozen=True, slots=True)
class Memory:
    rss_mb: float
    threads: int


class ProcessTree:
    """A process and its descendants, as one."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._seconds: dict[int, float] = {}

    def _processes(self) -> list[psutil.Process]:
        try:
            return [self._root, *self._root.children(recursive=True)]
        except psutil.Error:
            return []

    def cpu_seconds(self) -> float:
        """Used so far, those included that have ended since the last look."""
        for process in self._processes():
            try:
                times = process.cpu_times()
            except psutil.Error:
                continue
            self._seconds[process.pid] = times.user + times.system
        return sum(self._seconds.values())

    def memory(self) -> Memory:
        size, threads = 0, 0
        for process in self._processes():
            try:
                size += process.memory_info().rss
                threads += process.num_threads()
            except psutil.Error:
                continue
        return Memory(size / 2**20, threads)


@dataclass(frozen=True, slots=True)
class Usage:
    """Processor seconds at one moment."""

    at: float
    server: float
    client: float
    fakes: float
    machine: float

    @classmethod
    def now(cls, server: ProcessTree, fakes: ProcessTree | None) -> Usage:
        own = psutil.Process().cpu_times()
        times = psutil.cpu_times()
        busy = times.user + times.system + times.nice + getattr(times, "irq", 0.0) + getattr(times, "softirq", 0.0)
        return cls(
            time.monotonic(),
            server.cpu_seconds(),
            own.user + own.system,
            fakes.cpu_seconds() if fakes else 0.0,
            busy,
        )

    def since(self, earlier: Usage) -> dict[str, float]:
        """Percent of one core, each; ``others`` are the neighbours on this machine."""
        wall = max(1e-9, self.at - earlier.at)
        server, client = self.server - earlier.server, self.client - earlier.client
        fakes, machine = self.fakes - earlier.fakes, self.machine - earlier.machine
        shares = {
            "cpu": server,
            "client_cpu": client,
            "fakes_cpu": fakes,
            "others_cpu": machine - server - client - fakes,
        }
        return {f"{name}_percent": round(max(0.0, 100 * used / wall), 2) for name, used in shares.items()}


class Watch:
    """What a server used between ``start`` and ``stop``."""

    def __init__(self, server: ProcessTree, fakes: ProcessTree | None) -> None:
        self._server = server
        self._fakes = fakes
        self._from: Usage | None = None
        self.row: dict[str, float] = {}

    def start(self) -> None:
        self._from = Usage.now(self._server, self._fakes)

    def stop(self) -> None:
        if self._from is not None:
            memory = self._server.memory()
            shares = Usage.now(self._server, self._fakes).since(self._from)
            self.row = {**shares, "rss_mb": round(memory.rss_mb, 1), "threads": memory.threads}


def free_port() -> int:
    """A port nobody listens on, on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return as soon as ``process`` listens; raises ``NotRunning``."""
    give_up_at = time.monotonic() + PORT_SECONDS
    while time.monotonic() < give_up_at:
        if process.poll() is not None:
            raise NotRunning(f"It ended with code {process.returncode} before it listened. Its output: {log}")
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.005)
    raise NotRunning(f"It did not listen within {PORT_SECONDS:.0f} s. Its output: {log}")


def pin(pid: int, cpu: int | None) -> None:
    """Keep a process on one processor, where the system can do that and there is more than one."""
    if cpu is not None and hasattr(os, "sched_setaffinity") and cpu < (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(pid, {cpu})


def end(process: subprocess.Popen[bytes]) -> float:
    """End a process that we started; returns the seconds it took."""
    start = time.monotonic()
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(END_SECONDS)
    return time.monotonic() - start


def describe() -> dict[str, str | int]:
    """The class of this machine; figures mean little without it."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    return {
        "processor": model,
        "cores": os.cpu_count() or 1,
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "system": platform.system(),
        "python": platform.python_version(),
    }
