"""The built wheels: what they hold, and that they install and work in an empty environment."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PIP = ["-m", "pip", "--disable-pip-version-check", "--quiet"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Both wheels, built from this checkout."""
    place = tmp_path_factory.mktemp("dist")
    options = ["--no-deps", "--no-build-isolation", "--wheel-dir", str(place)]
    subprocess.run([sys.executable, *PIP, "wheel", *options, ROOT, ROOT / "models/isogloss-mini"], check=True)
    return sorted(place.glob("*.whl"))


def test_wheels_hold_every_file_of_the_packages(wheels: list[Path]) -> None:
    held = {name for wheel in wheels for name in zipfile.ZipFile(wheel).namelist()}
    sources = [ROOT / "src", ROOT / "models/isogloss-mini/src"]
    files = {
        path.relative_to(source).as_posix()
        for source in sources
        for path in source.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and ".egg-info" not in str(path)
    }
    assert len(wheels) == 2
    assert files - held == set()
    assert {Path(name).name for name in held} >= {"LICENSE", "NOTICE", "entry_points.txt", "py.typed"}


def test_wheels_work_in_an_empty_environment(wheels: list[Path], tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    programs = tmp_path / "venv" / "bin"
    constraints = ["--constraint", ROOT / "constraints.txt"]
    subprocess.run([programs / "python", *PIP, "install", *constraints, *wheels], check=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment["ISOGLOSS_CACHE"] = str(tmp_path / "cache")

    def output(*command: str) -> str:
        return subprocess.check_output([programs / command[0], *command[1:]], cwd=tmp_path, env=environment, text=True)

    for command in ("run", "list", "show", "table", "predict", "export", "quickstart"):
        assert command in output("isogloss", "--help")
    assert "massive-quickstart" in output("isogloss", "list")
    folder = output("python", "-c", "import isogloss_mini; print(isogloss_mini.encoder_folder())").strip()
    assert Path(folder, "model.safetensors").stat().st_size > 200_000_000
    subprocess.run([programs / "python", *PIP, "check"], check=True)
