"""The examples of the page on security do what it says, in its order; its tables are those of the code."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from parola.api.scopes import HOSTED, ROLES, SCOPES
from parola.config import Settings
from tests.docs.snippets import blocks
from tests.docs.test_docs import rows
from tests.wire.servers import ServerProcess

DOCUMENT = (Path(__file__).parents[2] / "docs" / "security.md").read_text(encoding="utf-8")


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="curl and jq are not installed")
def test_the_examples_work_one_after_the_other(tmp_path: Path) -> None:
    script = "set -eu\n" + "\n".join(blocks("security.md", "sh", 10))
    with ServerProcess("--data", str(tmp_path)) as server:
        environment = {
            **os.environ,
            "PAROLA": server.url,
            "no_proxy": "*",
            "DATA": str(tmp_path),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "master.key" in done.stdout


def test_the_table_of_scopes_is_that_of_the_code() -> None:
    told = {row[0].strip("`"): row for row in rows(DOCUMENT) if row[0].strip("`") in SCOPES}
    assert list(told) == list(SCOPES)
    for scope, (_, allows, hosted) in told.items():
        assert allows == SCOPES[scope]
        names = set(re.findall(r"`([a-z_]+)`", hosted))
        assert names <= {name for name, scopes in HOSTED.items() if scope in scopes}, scope
    assert ROLES["viewer"] == ("agents:read", "conversations:read")
    assert Settings().audit_retention_days == 365
