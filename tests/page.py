"""A page of docs/, or the README, as tests see it: files to save, blocks to run, commands that can be given."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LANGUAGES = ("bash", "json", "python", "toml", "text")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SAVED = re.compile(r"^[^\n]*[Ss]ave this as `(\S+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Page:
    """A page; `blocks("text")` are shown and not run: what needs files, the hub or hours."""

    path: Path

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def fences(self) -> list[tuple[str, str]]:
        """Language and content of every block, in order."""
        return FENCE.findall(self.text)

    def blocks(self, language: str) -> list[str]:
        return [content for named, content in self.fences if named == language]

    @property
    def files(self) -> list[tuple[str, str]]:
        """Names and contents of the files that the page says to save."""
        return SAVED.findall(self.text)

    @property
    def commands(self) -> list[str]:
        """The commands in its text blocks, a line each."""
        lines = [line for block in self.blocks("text") for line in block.replace("\\\n", " ").splitlines()]
        return [line for line in lines if line.startswith("isogloss ")]

    def save(self, folder: Path) -> None:
        for name, content in self.files:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content, encoding="utf-8")

    def carry_out(
        self, folder: Path, changes: dict[str, str] | None = None, *, python: bool = True, **environment: str
    ) -> str:
        """Do what the page says, its files and its blocks in order, with some words changed; return what was printed.

        Every change must change something, so that none outlives the words that it was made for.
        """
        printed, changes = [], changes or {}
        unused = set(changes)

        def changed(text: str) -> str:
            for old, new in changes.items():
                if old in text:
                    text = text.replace(old, new)
                    unused.discard(old)
            return text

        saved = {content: name for name, content in self.files}
        for language, content in self.fences:
            if content in saved:
                (folder / saved[content]).parent.mkdir(parents=True, exist_ok=True)
                (folder / saved[content]).write_text(changed(content), encoding="utf-8")
            elif language == "bash":
                printed.append(run(changed(content), folder, **environment))
            elif language == "python" and python:
                printed.append(in_python(changed(content), folder, **environment))
        assert not unused, f"{self.path.name} no longer says {', '.join(unused)}"
        return "".join(printed)


def page(name: str) -> Page:
    """The page docs/NAME.md."""
    return Page(ROOT / "docs" / f"{name}.md")


def run(block: str, folder: Path, **environment: str) -> str:
    """Run a block in bash, stop at its first failure, and return what it printed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],
        cwd=folder,
        env={**os.environ, "PATH": path, "HF_HUB_OFFLINE": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def in_python(block: str, folder: Path, **environment: str) -> str:
    """Run a block in Python, in a process of its own, and return what it printed."""
    return run(f"python - <<'END'\n{block}END\n", folder, **environment)


def given(line: str) -> tuple[str, dict[str, Any]]:
    """Parse a command as the program does, without carrying it out; return its name and what it was given.

    A recipe that it names is one that comes along, a file of the reader's or the word RECIPE; a profile is one of its.
    """
    from typer.main import get_command

    from isogloss.cli import app
    from isogloss.recipe.load import profiles
    from isogloss.recipe.source import shipped

    program, *words = shlex.split(line, comments=True)
    assert program == "isogloss"
    command: Any = get_command(app)
    name = ""
    while hasattr(command, "commands"):
        if words[0].startswith("--"):  # of the program itself, as --install-completion: named, and not called
            assert words[0] in {option for parameter in command.params for option in parameter.opts}, line
            return name, {}
        word, *words = words
        name = f"{name} {word}".strip()
        command = command.commands[word]
    with command.make_context(name, words) as context:
        found = dict(context.params)
    recipe = found.get("recipe")
    if isinstance(recipe, str) and recipe not in ("RECIPE",) and not recipe.endswith(".toml"):
        assert recipe in shipped(), line
        assert found.get("profile") in {None, *profiles(recipe)}, line
    return name, found


def toml(block: str) -> dict[str, Any]:
    return tomllib.loads(block)
