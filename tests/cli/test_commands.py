"""Exit codes, help, and the commands that need no run."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from cli.conftest import Isogloss
from isogloss.errors import Interrupted, IsoglossWarning


def shell(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "import sys; from isogloss.cli import main; sys.exit(main())", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_help_is_there_at_once_and_imports_nothing_heavy() -> None:
    heavy = ("torch", "transformers", "polars", "duckdb", "pydantic", "rich", "numpy")
    code = (
        "import sys; from isogloss.cli import main; main(['--help']); "
        f"print([name for name in {heavy} if name in sys.modules]); main(['analyse', '--help']); "
        f"print([name for name in {heavy} if name in sys.modules and name != 'pydantic'])"  # typer's own
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines().count("[]") == 2
    for command in ("quickstart", "run", "list", "show", "table", "predict", "export", "analyse"):
        assert f"\n  {command} " in said.stdout


def test_no_command_is_help() -> None:
    said = shell()
    assert "Usage: isogloss" in said.stdout + said.stderr


def test_the_version(isogloss: Isogloss) -> None:
    assert isogloss("--version").out.startswith("isogloss 0.")


@pytest.mark.parametrize("command", ["quickstart", "run", "list", "show", "table", "predict", "export", "analyse"])
def test_every_command_has_help(isogloss: Isogloss, command: str) -> None:
    said = isogloss(command, "--help")
    assert said.code == 0
    assert f"Usage: isogloss {command}" in said.out


def test_a_mistake_in_a_real_process_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    said = shell("table", "nothing", "--store", str(tmp_path))
    assert (said.returncode, said.stdout) == (2, "")
    assert len(said.stderr.splitlines()) == 1


def _raising(error: BaseException) -> object:
    def raises(*_: object, **__: object) -> None:
        raise error

    return raises


def test_a_fault_of_ours_is_one_line_and_its_traceback_a_file(
    isogloss: Isogloss, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("isogloss.cli.listing._methods", _raising(KeyError("x")))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delenv("ISOGLOSS_DEBUG", raising=False)
    said = isogloss("list", "methods")
    (line,) = said.err.splitlines()
    (file,) = tmp_path.iterdir()
    assert (said.code, said.out) == (1, "")
    assert "KeyError" in line
    assert str(file) in line
    assert "Traceback" in file.read_text()
    monkeypatch.setenv("ISOGLOSS_DEBUG", "1")
    assert "Traceback" in isogloss("list", "methods").err


@pytest.mark.parametrize(
    "error", [Interrupted("stopped after step 3; the same command resumes it"), KeyboardInterrupt()]
)
def test_an_interruption_is_exit_code_3(
    isogloss: Isogloss, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    monkeypatch.setattr("isogloss.cli.listing._methods", _raising(error))
    said = isogloss("list", "methods")
    assert said.code == 3
    assert len(said.err.splitlines()) == 1
    assert "the same command" in said.err


def test_a_warning_is_one_line(isogloss: Isogloss, monkeypatch: pytest.MonkeyPatch) -> None:
    def warns() -> str:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            from isogloss import cli

            warnings.showwarning = cli._one_line
            warnings.warn("sw: 7 % of the tokens\nare unknown", IsoglossWarning, stacklevel=1)
        return ""

    monkeypatch.setattr("isogloss.cli.listing._methods", warns)
    assert isogloss("list", "methods").err == "warning: sw: 7 % of the tokens are unknown\n"


def test_list_names_everything_that_show_explains(isogloss: Isogloss, tmp_path: Path) -> None:
    said = isogloss("list", "--store", tmp_path)
    assert said.code == 0
    for name in ("xu2021-table1", "massive-quickstart", "xnli", "sib200", "finetune", "meta_optimizer"):
        assert f"\n  {name} " in said.out
        assert isogloss("show", name, "--store", tmp_path).out.startswith(name)
    assert "\n  sw " in "\n" + isogloss("list", "languages").out
    assert not list(tmp_path.iterdir())


def test_show_a_recipe_a_task_a_method_a_language(isogloss: Isogloss, tmp_path: Path) -> None:
    recipe = isogloss("show", "xu2021-table1", "--profile", "mini", "--store", tmp_path).out
    for words in ("encoder", "mini", "meta_optimizer (rounds", "rates: those of meta", "el+ur", "pooled_same_compute"):
        assert words in recipe
    assert "entailment" in isogloss("show", "xnli", "--store", tmp_path).out
    mlqa = isogloss("show", "mlqa", "--store", tmp_path).out
    for words in ("question_answering (rule mlqa)", "as de/en", "test is 0.5 to 1 of dev-context-{language}.jsonl.gz"):
        assert words in mlqa
    assert "in a folder" not in isogloss("show", "xnli", "--store", tmp_path).out
    assert "meta_learning_rate" in isogloss("show", "meta_optimizer", "--store", tmp_path).out
    assert "Swahili" in isogloss("show", "sw", "--store", tmp_path).out


def test_a_recipe_as_toml_loads_to_the_same_recipe(isogloss: Isogloss, tmp_path: Path) -> None:
    from isogloss.recipe.load import load_recipe

    said = isogloss("show", "xu2021-table1", "--profile", "mini", "--toml")
    (tmp_path / "mine.toml").write_text(said.out)
    mine, shipped = load_recipe(tmp_path / "mine.toml"), load_recipe("xu2021-table1", profile="mini")
    assert mine.model_dump() == shipped.model_dump()
