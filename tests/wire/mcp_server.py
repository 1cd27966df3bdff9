"""A real MCP server, made with the official package, in a process of its own: to call, to break, to kill.

As a script: ``python -m tests.wire.mcp_server PORT http|sse [NUMBER OF FURTHER TOOLS]``.
"""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

from tests.wire.servers import START_SECONDS, ServerProcess, free_port

ROOT = Path(__file__).parents[2]


class McpProcess:
    """The server below; ends with the block."""

    def __init__(self, transport: str = "http", *, further_tools: int = 0, port: int | None = None) -> None:
        self.transport = transport
        self.port = port or free_port()
        self._further = further_tools
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/{'mcp' if self.transport == 'http' else 'sse'}"

    @property
    def config(self) -> dict[str, Any]:
        """How it is named to Parola."""
        transport = "STREAMABLE_HTTP" if self.transport == "http" else "SSE"
        return {"name": "Library", "url": self.url, "transport": transport, "approval_policy": "auto_approve_all"}

    def __enter__(self) -> Self:
        self.start()
        return self

    def start(self) -> None:
        self.process = self.spawn()
        deadline = time.monotonic() + START_SECONDS
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert self.process.poll() is None and time.monotonic() < deadline, "the MCP server did not start"
            time.sleep(0.02)

    def spawn(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "tests.wire.mcp_server", str(self.port), self.transport, str(self._further)]
        return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def kill(self) -> None:
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.wait()

    def __exit__(self, *_: object) -> None:
        self.kill()


def register(parola: ServerProcess, config: dict[str, Any], *, reach: bool = True, **changes: Any) -> str:
    """Add a server to Parola; its id. With ``reach`` its tools are known when this returns, however busy the machine
    is."""
    answer = parola.http.post("/v1/convai/mcp-servers", json={"config": {**config, **changes}})
    assert answer.status_code == 200, answer.text
    server_id = str(answer.json()["id"])
    if reach:
        listed = parola.http.get(f"/v1/convai/mcp-servers/{server_id}/tools").json()
        assert listed["success"], listed["error_message"]
    return server_id


def main(port: int, transport: str, further_tools: int) -> None:
    import anyio
    import uvicorn
    from mcp.server.mcpserver import Context, Image, MCPServer
    from mcp.server.mcpserver.exceptions import ToolError

    server = MCPServer("Library", log_level="ERROR")

    @server.tool()
    def search(query: str) -> str:
        """Looks a book up."""
        return f"3 books about {query}"

    @server.tool()
    def count(shelf: int) -> dict[str, int]:
        """Counts the books of a shelf."""
        return {"books": shelf * 10}

    @server.tool(name="open/close the.door")
    def door() -> str:
        """A name that no model takes."""
        return "the door is open"

    @server.tool()
    def fails() -> str:
        """Never works."""
        raise ToolError("the shelf is empty")

    @server.tool()
    def picture() -> Image:
        """Shows a picture."""
        return Image(data=b"\x89PNG" * 100, format="png")

    @server.tool()
    def flood(megabytes: int) -> str:
        """Says a lot."""
        return "books " * (megabytes * 1024 * 1024 // 6)

    @server.tool()
    async def slow() -> str:
        """Takes its time."""
        await anyio.sleep(60)
        return "late"

    @server.tool()
    def dies() -> str:
        """Ends the process."""
        os._exit(1)

    @server.tool()
    def who(context: Context[Any]) -> str:
        """Says who asks."""
        headers = {key.lower(): value for key, value in (context.headers or {}).items()}
        return f"{headers.get('authorization')} {headers.get('x-shop')}"

    @server.tool()
    def trace(context: Context[Any]) -> str:
        """Says for which span it is called."""
        return str((context.request_context.meta or {}).get("traceparent"))

    for number in range(further_tools):
        server.add_tool(lambda: "done", name=f"further_{number}", description="One of many")

    app = server.streamable_http_app() if transport == "http" else server.sse_app()
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", timeout_graceful_shutdown=1)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
