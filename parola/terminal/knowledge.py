"""``parola knowledge``: documents into the knowledge base, and how far each can be searched."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.markup import escape

from parola.errors import InvalidRequest
from parola.terminal import printing
from parola.terminal.client import Server
from parola.terminal.progress import progress

KNOWLEDGE = "/v1/convai/knowledge-base"

ENDINGS = frozenset({".txt", ".md", ".html", ".htm", ".pdf", ".docx", ".epub"})
"""What of a folder is taken; a file that is named is sent whatever it is called."""

MODEL = "e5_mistral_7b_instruct"
"""The index that agents use unless they name another."""

ASK_AGAIN_SECONDS = 0.3

ENDED = frozenset({"succeeded", "failed", "rag_limit_exceeded", "document_too_small", "cannot_index_folder"})


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One document that is to come in: a file, or the address of a page."""

    source: str
    file: Path | None
    folders: tuple[str, ...] = ()
    """Names of the folders it lies in, outermost first."""


def list_documents(server: Server) -> None:
    """Print documents and folders, newest first."""
    table = printing.table("document", "type", "name", "updated", "index", less=("updated", "type"))
    for one in server.every(KNOWLEDGE, "documents"):
        at = datetime.fromtimestamp(one["metadata"]["last_updated_at_unix_secs"])
        folders = "".join(f"{folder['name']}/" for folder in one.get("folder_path") or ())
        table.add_row(one["id"], one["type"], folders + one["name"], f"{at:%Y-%m-%d %H:%M}", _indexed(one))
    printing.listed(table, "There are no documents. `parola knowledge add FILE` adds one.")


def _indexed(document: dict[str, Any]) -> str:
    if document["type"] == "folder":
        return ""
    indexes = document.get("x_rag_indexes") or []
    if not indexes:
        return "-"
    best = max(indexes, key=lambda index: float(index["progress_percentage"]))
    return "done" if best["status"] == "succeeded" else f"{best['status']} {best['progress_percentage']:.0f} %"


def add(server: Server, sources: Sequence[str], into: str | None, *, indexes: bool) -> bool:
    """Send documents, wait until they are indexed, print their ids. False when one was refused or not indexed, which
    is said; the others are there all the same. Raises ``ParolaError`` for a source that is not there."""
    wanted = [one for source in sources for one in _wanted(source)]
    adding = _Adding(server, into)
    went_well = True
    added: dict[str, _Wanted] = {}
    with progress("sending", len(wanted)) as update:
        for done, one in enumerate(wanted):
            update(done=done, what=f"sending {Path(one.source).name or one.source}")
            try:
                document = adding.sent(one)
            except InvalidRequest as error:
                went_well = False
                printing.err.print(f"[red]{escape(one.source)}: {escape(error.message)}[/]", soft_wrap=True)
                continue
            added[document["id"]] = one
            if indexes:
                server.rest("POST", f"{KNOWLEDGE}/{document['id']}/rag-index", {"model": MODEL})
            printing.out.print(f"{escape(document['id'])}  {escape(document['name'])}", soft_wrap=True)
    if indexes and added:
        went_well &= _are_indexed(server, added)
    return went_well


class _Adding:
    """Documents go into folders that are made when the first one needs them."""

    def __init__(self, server: Server, into: str | None) -> None:
        self._server = server
        self._folders: dict[tuple[str, ...], str | None] = {(): into}

    def sent(self, one: _Wanted) -> dict[str, Any]:
        folder = self._folder(one.folders)
        place = {"parent_folder_id": folder} if folder else {}
        if one.file is None:
            added: dict[str, Any] = self._server.rest("POST", f"{KNOWLEDGE}/url", {"url": one.source, **place})
            return added
        with ExitStack() as stack:
            try:
                content = stack.enter_context(one.file.open("rb"))
            except OSError as error:
                raise InvalidRequest(f"it cannot be read: {error.strerror or error}.") from None
            document: dict[str, Any] = self._server.upload(f"{KNOWLEDGE}/file", one.file.name, content, place)
            return document

    def _folder(self, names: tuple[str, ...]) -> str | None:
        if names not in self._folders:
            parent = self._folder(names[:-1])
            body = {"name": names[-1], **({"parent_folder_id": parent} if parent else {})}
            self._folders[names] = str(self._server.rest("POST", f"{KNOWLEDGE}/folder", body)["id"])
        return self._folders[names]


def _wanted(source: str) -> list[_Wanted]:
    if source.startswith(("http://", "https://")):
        return [_Wanted(source, None)]
    path = Path(source)
    if path.is_file():
        return [_Wanted(source, path)]
    if not path.is_dir():
        raise InvalidRequest(f"{source}: expected a file or a folder that is there, or an address with http:// before.")
    files = sorted(file for file in path.rglob("*") if file.is_file() and file.suffix.lower() in ENDINGS)
    files = [file for file in files if not any(part.startswith(".") for part in file.relative_to(path).parts)]
    if not files:
        raise InvalidRequest(f"There are no documents in {source}: expected {', '.join(sorted(ENDINGS))}.")
    top = path.resolve().name
    return [_Wanted(str(file), file, (top, *file.relative_to(path).parent.parts)) for file in files]


def _are_indexed(server: Server, added: dict[str, _Wanted]) -> bool:
    """Wait until they are. False when one was not, which is said."""
    went_well = True
    so_far = dict.fromkeys(added, 0.0)
    waiting = dict(added)
    with progress("indexing", 100 * len(added), is_count=False) as update:
        while waiting:
            for document_id, one in list(waiting.items()):
                index = _state(server, document_id)
                so_far[document_id] = float(index["progress_percentage"])
                if index["status"] not in ENDED:
                    continue
                del waiting[document_id]
                so_far[document_id] = 100.0
                if index["status"] != "succeeded":
                    went_well = False
                    reason = index.get("error_message") or index["status"].replace("_", " ")
                    printing.err.print(f"[red]{escape(one.source)} is not indexed: {escape(reason)}[/]", soft_wrap=True)
            update(done=sum(so_far.values()), what=f"indexed {len(added) - len(waiting)} of {len(added)}")
            if waiting:
                time.sleep(ASK_AGAIN_SECONDS)
    return went_well


def _state(server: Server, document_id: str) -> dict[str, Any]:
    """How far the index is. Somebody may delete it while it is waited for."""
    indexes = server.rest("GET", f"{KNOWLEDGE}/{document_id}/rag-index")["indexes"]
    gone = {"status": "failed", "progress_percentage": 0.0, "error_message": "somebody has deleted its index"}
    return next((index for index in indexes if index["model"] == MODEL), gone)
