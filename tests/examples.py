"""The packages of docs/examples: installed beside this one, or one file of them loaded."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

from page import ROOT, Page, toml

EXAMPLES = ROOT / "docs" / "examples"


def installed(name: str, folder: Path) -> dict[str, str]:
    """Install docs/examples/isogloss-NAME into a folder; return the variables under which a process finds it."""
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--target", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, EXAMPLES / f"isogloss-{name}"], check=True)
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))}


def source(name: str, module: str | None = None) -> Path:
    return EXAMPLES / f"isogloss-{name}/src/isogloss_{name}/{module or name}.py"


def loaded(name: str) -> ModuleType:
    """The module of an example, without installing it."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", source(name))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def check_page(page: Page, name: str) -> None:
    """The page shows code that is there, and the entry point that the package has."""
    shown = "".join(f"        {line}\n" for line in page.blocks("python")[0].splitlines())
    assert shown in source(name).read_text("utf-8")
    declared = toml((EXAMPLES / f"isogloss-{name}/pyproject.toml").read_text("utf-8"))["project"]["entry-points"]
    assert toml(page.blocks("toml")[0])["project"]["entry-points"] == declared
