"""Rules of the house that hold for every file: what is exported, what is imported, what is never written."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

import isogloss
import isogloss_mini
from isogloss import registry
from isogloss.data.task import shipped_tasks
from isogloss.recipe.source import shipped
from isogloss.training.torch_optimizers import OPTIMIZERS

ROOT = Path(__file__).parents[1]
SOURCES = sorted([*ROOT.glob("src/**/*.py"), *ROOT.glob("models/*/src/**/*.py")])
TORCH_FREE = (
    "isogloss.analysis.distance_file",
    "isogloss.analysis.kilometres",
    "isogloss.analysis.legacy",
    "isogloss.analysis.matrix",
    "isogloss.analysis.pretraining",
    "isogloss.analysis.typology",
    "isogloss.analysis.uriel",
    "isogloss.cli",
    "isogloss.data.source",
    "isogloss.data.task",
    "isogloss.doctor.coverage",
    "isogloss.doctor.duplicates",
    "isogloss.doctor.encoding",
    "isogloss.doctor.examine",
    "isogloss.doctor.exchanged",
    "isogloss.doctor.identity",
    "isogloss.doctor.installed",
    "isogloss.doctor.intervals",
    "isogloss.doctor.labels",
    "isogloss.doctor.parallel",
    "isogloss.doctor.suspects",
    "isogloss.kinds.answer_rules",
    "isogloss.kinds.answers",
    "isogloss.kinds.characters",
    "isogloss.kinds.spans",
    "isogloss.kinds.windows",
    "isogloss.languages",
    "isogloss.training.torch_optimizers",
    "isogloss_mini",
)
TORCH_FREE_PACKAGES = (
    "isogloss.analysis.selection",
    "isogloss.analysis.statistics",
    "isogloss.evaluation",
    "isogloss.recipe",
    "isogloss.report",
    "isogloss.store",
)
REGISTERED = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]


def modules() -> list[str]:
    """The names of all modules of both packages."""
    return [
        found.name
        for package in (isogloss, isogloss_mini)
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if not found.name.endswith("__main__")
    ]


def torch_free() -> list[str]:
    """The names of the modules that promise not to import torch."""
    registered = [path.split(":")[0] for group in REGISTERED.values() for path in group.values()]
    packages = [name for name in modules() if name.startswith(TORCH_FREE_PACKAGES)]
    return ["isogloss", "isogloss.registry", "isogloss.keys", *TORCH_FREE, *packages, *registered]


def test_all_names_what_can_be_imported() -> None:
    for name in ("isogloss", "isogloss_mini", *modules()):
        module = importlib.import_module(name)
        exported = getattr(module, "__all__", ())
        assert [member for member in exported if not hasattr(module, member)] == [], name
        assert list(exported) == sorted(set(exported)), name


def test_packages_export_exactly_what_they_hold() -> None:
    for package in (isogloss, isogloss_mini):
        held = {
            name
            for name, member in vars(package).items()
            if getattr(member, "__module__", "").startswith(package.__name__) and not name.startswith("_")
        }
        assert held | {"__version__"} == set(package.__all__)
        assert package.__version__ == "0.1.0"


def test_every_registered_name_can_be_loaded() -> None:
    for group, members in REGISTERED.items():
        name = group.removeprefix("isogloss.")
        assert registry.names(name) == tuple(sorted(members)), "install the package again"
        for member in members:
            assert registry.load(name, member).__doc__


def test_every_group_of_entry_points_is_explained() -> None:
    mini = tomllib.loads((ROOT / "models/isogloss-mini/pyproject.toml").read_text())["project"]["entry-points"]
    declared = {*REGISTERED, *mini}
    assert {f"isogloss.{name}" for name in get_args(registry.Group)} < declared
    assert [group for group in declared if group not in (registry.__doc__ or "")] == []


def test_the_changelog_names_what_a_user_can_name() -> None:
    """What is registered, shipped or called by name, and the columns that `predict` adds."""
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    commands = set(re.findall(r"`isogloss (\w+)", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert {"run", "predict", "export"} <= commands
    named = [*commands, *shipped(), *shipped_tasks(), *OPTIMIZERS, *registry.names("methods"), *registry.names("kinds")]
    named += ["predicted_label", "predicted_probability", "name@revision"]
    assert [name for name in named if f"`{name}`" not in changes] == []


def test_modules_that_promise_it_import_no_torch() -> None:
    code = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    importlib.import_module(name)\n"
        "    heavy = {'torch', 'transformers', 'datasets'} & sys.modules.keys()\n"
        "    assert not heavy, f'{name} imports {heavy}'\n"
    )
    done = subprocess.run([sys.executable, "-c", code, *torch_free()], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def offences(tree: ast.AST) -> Iterator[str]:
    """What the house forbids: print, exits, exceptions that swallow everything, unpickling."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            yield f"line {node.lineno}: bare except"
        if not isinstance(node, ast.Call):
            continue
        call = ast.unparse(node.func)
        if call in ("print", "exit", "quit", "sys.exit", "os._exit", "exec", "eval"):
            yield f"line {node.lineno}: {call}"
        if call == "torch.load" and "weights_only=True" not in ast.unparse(node):
            yield f"line {node.lineno}: torch.load without weights_only=True"
        if call.startswith(("pickle.", "marshal.", "shelve.", "joblib.")):
            yield f"line {node.lineno}: {call}"
        for word in node.keywords:
            if word.arg in ("trust_remote_code", "allow_pickle") and ast.unparse(word.value) != "False":
                yield f"line {node.lineno}: {word.arg}"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("print(1)", 1),
        ("import sys\nsys.exit(2)", 1),
        ("try:\n    pass\nexcept:\n    pass", 1),
        ("torch.load(path)", 1),
        ("torch.load(path, weights_only=True)\nmodel.eval()\nrich.print(1)", 0),
        ("from_pretrained(name, trust_remote_code=True)", 1),
        ("np.load(path, allow_pickle=True)", 1),
        ("pickle.loads(text)", 1),
    ],
)
def test_offences_are_seen(source: str, found: int) -> None:
    assert len(list(offences(ast.parse(source)))) == found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_source_keeps_the_rules_of_the_house(path: Path) -> None:
    assert list(offences(ast.parse(path.read_text(encoding="utf-8")))) == []


def tracked_texts() -> Iterator[tuple[Path, str]]:
    """Every file that git knows or would add, where it is text."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.check_output(command, cwd=ROOT, text=True).split("\0")[:-1]
    for path in (ROOT / name for name in names):
        if path.is_file() and path.stat().st_size < 2_000_000:
            content = path.read_bytes()
            if b"\0" not in content:
                yield path, content.decode("utf-8", "replace")


def test_no_file_names_a_place_of_one_machine() -> None:
    place = re.compile(r"(?<![\w.$}/])/(?:work|farm|root|home|opt|Users)/[\w.]")
    assert place.search('"/' + 'work/x"')
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    assert [str(path) for path, text in tracked_texts() if place.search(text)] == []
