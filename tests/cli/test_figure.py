"""`isogloss figure`: what it lists, what it writes, and what it refuses in one line."""

from __future__ import annotations

import builtins
import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import Isogloss, refused
from report.make import NAME, made_up_store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the runs of one made-up recipe."""
    folder = tmp_path_factory.mktemp("figure") / "runs"
    made_up_store(folder, examples=30)
    return folder


def test_without_a_name_it_lists_the_figures_of_these_runs(isogloss: Isogloss, store: Path) -> None:
    said = isogloss("figure", NAME, "--store", store)
    assert said.code == 0
    names = [line.split()[0] for line in said.out.splitlines()[1:]]
    assert names == ["scores", "differences", "map", "training", "confusion"]
    assert "Difference from pooled by language" in said.out


@pytest.mark.parametrize("suffix", ["svg", "json"])
def test_it_writes_the_figure_and_its_data(isogloss: Isogloss, store: Path, tmp_path: Path, suffix: str) -> None:
    file, data = tmp_path / f"scores.{suffix}", tmp_path / "scores.csv"
    said = isogloss("figure", NAME, "scores", "-o", file, "--data", data, "--store", store, "--metric", "macro_f1")
    assert said.code == 0
    (line,) = said.out.splitlines()
    assert str(file) in line
    assert "macro_f1" in line
    assert "macro_f1" in file.read_text(encoding="utf-8")
    rows = list(csv.DictReader(data.read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 8
    if suffix == "json":
        (drawn,) = json.loads(file.read_text(encoding="utf-8"))["datasets"].values()
        assert [row["value"] for row in drawn] == pytest.approx([float(row["value"]) for row in rows], rel=1e-4)


def test_against_is_the_baseline(isogloss: Isogloss, store: Path, tmp_path: Path) -> None:
    file = tmp_path / "differences.svg"
    said = isogloss("figure", NAME, "differences", "-o", file, "--against", "meta_optimizer", "--store", store)
    assert said.code == 0
    assert "Difference from meta_optimizer" in said.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("scors", "-o", "x.svg"), ('"scors"', 'did you mean "scores"')),
        (("zzz", "-o", "x.svg"), ("there are: scores, differences, map",)),
        (("impact", "-o", "x.svg"), ("nothing for", "they have: scores")),
        (("scores", "-o", "x.gif"), (".gif", ".svg .png .pdf .html .json")),
        (("scores",), ("--output", "-o scores.svg")),
        (("-o", "x.svg"), ("no figure is named",)),
        (("scores", "-o", "x.svg", "--data", "x.txt"), ("--data", ".csv")),
        (("scores", "-o", "x.svg", "--metric", "f2"), ("--metric", '"f2"')),
        (("scores", "-o", "x.svg", "--against", "poled"), ("--against", 'did you mean "pooled"')),
    ],
)
def test_mistakes_take_one_line_and_leave_no_file(
    isogloss: Isogloss,
    store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    told: tuple[str, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    refused(isogloss("figure", NAME, *words, "--store", store), *told)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_a_folder_is_said(isogloss: Isogloss, store: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    said = isogloss("figure", NAME, "scores", "-o", tmp_path / "taken" / "x.svg", "--store", store)
    refused(said, "x.svg")


def test_without_the_extra_it_says_what_to_install(
    isogloss: Isogloss, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Callable[..., Any] = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.partition(".")[0] in ("altair", "vl_convert"):
            raise ImportError(name)
        return real(name, *rest, **more)

    for name in ("altair", "vl_convert"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    said = isogloss("figure", NAME, "scores", "-o", tmp_path / "x.svg", "--store", store)
    refused(said, "pip install 'isogloss[figures]'")


def test_runs_that_are_left_out_are_told(isogloss: Isogloss, tmp_path: Path) -> None:
    store = made_up_store(tmp_path / "runs", examples=30)
    (store.run(store.runs()[0].key).path / "done.json").unlink()
    said = isogloss("figure", NAME, "training", "-o", tmp_path / "training.json", "--store", store.root)
    assert (said.code, said.err) == (0, "1 of 4 runs have not finished and are left out\n")
