"""`isogloss report`: one line of what it wrote, and nothing half-written."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.conftest import Isogloss, refused
from isogloss.report import page
from isogloss.store import Store
from report.make import NAME, made_up_store


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A made-up store, and a folder to stand in; without what draws figures, which takes seconds."""
    monkeypatch.setattr(page, "find_spec", lambda name: None)
    monkeypatch.chdir(tmp_path)
    return made_up_store(tmp_path / "runs").root


def test_it_says_in_one_line_what_it_wrote(isogloss: Isogloss, store: Path) -> None:
    said = isogloss("report", NAME)
    assert (said.code, said.err) == (0, "")
    assert said.out == "wrote report.html: 0.0 MB, no figures (pip install 'isogloss[report]')\n"
    assert Path("report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_an_older_page_is_replaced_and_nothing_else_is_left(isogloss: Isogloss, store: Path) -> None:
    Path("out").mkdir()
    Path("out/page.html").write_text("older")
    assert isogloss("report", NAME, "-o", "out/page.html").code == 0
    assert Path("out/page.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [path.name for path in Path("out").iterdir()] == ["page.html"]


def test_places_that_cannot_be_written_are_refused(isogloss: Isogloss, store: Path) -> None:
    Path("folder").mkdir()
    refused(isogloss("report", NAME, "-o", "folder"), "folder", "a folder has this name", "-o report.html")
    refused(isogloss("report", NAME, "-o", "no/where.html"), 'there is no folder "no"')


@pytest.mark.skipif(os.geteuid() == 0, reason="who may do everything may write everywhere")
def test_a_folder_without_permission_is_refused(isogloss: Isogloss, store: Path) -> None:
    Path("locked").mkdir(mode=0o500)
    refused(isogloss("report", NAME, "-o", "locked/report.html"), "no permission to write here")


def test_a_full_disk_leaves_the_older_page(isogloss: Isogloss, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("report.html").write_text("older")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    refused(isogloss("report", NAME), "the disk is full")
    assert Path("report.html").read_text() == "older"
    assert {path.name for path in Path().iterdir()} == {"report.html", "runs"}


def test_runs_that_nobody_finished_are_refused(isogloss: Isogloss, store: Path) -> None:
    for path in store.glob("runs/*/done.json"):
        path.unlink()
    refused(isogloss("report", NAME), "none of 4 runs has finished")
    assert not Path("report.html").exists()
    refused(isogloss("report", "nothing"), "no runs of this recipe")


@pytest.mark.parametrize("command", ["report", "table"])
def test_a_baseline_that_nobody_finished_is_refused(isogloss: Isogloss, store: Path, command: str) -> None:
    for run in Store(store).runs():
        if run.variant == "pooled":
            (store / "runs" / run.key / "done.json").unlink()
    refused(isogloss(command, NAME, "--against", "pooled"), 'no run of "pooled" has finished')


def test_unknown_names_are_refused(isogloss: Isogloss, store: Path) -> None:
    refused(isogloss("report", NAME, "--against", "poled"), 'did you mean "pooled"?')
    refused(isogloss("report", NAME, "--metric", "acuracy"), 'did you mean "accuracy"?')
    refused(isogloss("report", NAME, "--compare", "xu2021-tabel1"), 'did you mean "xu2021-table1"?')
    assert not Path("report.html").exists()


def test_tables_are_those_of_the_table_command(isogloss: Isogloss, store: Path) -> None:
    said = isogloss("report", NAME, "--tables", "kept")
    assert said.out.endswith("; its tables: kept\n")
    assert {path.name for path in Path("kept").iterdir()} == {
        "scores.md", "scores.tex", "scores.csv", "comparisons.md", "comparisons.tex", "comparisons-1.csv",
        "comparisons-2.csv",
    }  # fmt: skip
    told = isogloss("table", NAME, "--format", "md").out
    scores, comparisons = (Path(f"kept/{name}.md").read_text(encoding="utf-8") for name in ("scores", "comparisons"))
    assert told == f"{scores}\n{comparisons}"
    with Path("kept/comparisons-2.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 4


def test_printed_numbers_stand_beside(isogloss: Isogloss, store: Path) -> None:
    assert isogloss("report", NAME, "--compare", "xu2021-table1").code == 0
    page_text = Path("report.html").read_text(encoding="utf-8")
    assert "Printed: Xu" in page_text
    assert "(printed)" in page_text


def test_texts_are_shown_where_they_are_asked_for(
    isogloss: Isogloss, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "find_spec", lambda name: None)
    command = ("report", "tiny", "--store", made / "store", "-o", tmp_path / "report.html")
    rows = [line.split('"')[3] for line in (made / "data" / "test-sw.jsonl").read_text().splitlines()]
    assert isogloss(*command).code == 0
    assert not any(f">{row}<" in (tmp_path / "report.html").read_text(encoding="utf-8") for row in rows)
    assert isogloss(*command, "--with-texts").code == 0
    assert any(f'lang="sw" dir="auto">{row}<' in (tmp_path / "report.html").read_text("utf-8") for row in rows)


def test_it_needs_no_torch(store: Path) -> None:
    code = (
        "import sys\nfrom isogloss.cli import main\n"
        f"assert main(['report', '{NAME}']) == 0\n"
        "assert not {'torch', 'transformers'} & sys.modules.keys()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "figures" in done.stdout


def test_runs_that_are_left_out_are_told_beside_the_page_and_on_it(isogloss: Isogloss, store: Path) -> None:
    first, *_ = Store(store).runs()
    (Store(store).run(first.key).path / "done.json").unlink()
    made_up_store(store, recipe="other")
    for run in Store(store).resolve("other"):
        path = Store(store).run(run.key).path / "run.json"
        known = json.loads(path.read_text(encoding="utf-8"))
        known["recipe"], known["settings"]["max_length"] = NAME, 128
        known["begun"] = 1.0
        path.write_text(json.dumps(known), encoding="utf-8")
    told = [
        "1 of 4 runs have not finished and are left out",
        f"runs of {NAME} with other settings are left out: isogloss table {NAME}#",
    ]
    said = isogloss("report", NAME)
    assert said.code == 0, said.err
    assert isogloss("table", NAME, "--format", "csv").err == said.err
    for line, start in zip(said.err.splitlines(), told, strict=True):
        assert line.startswith(start)
        assert f"<li>{line}</li>" in Path("report.html").read_text(encoding="utf-8")


def test_a_folder_that_tables_cannot_go_to_is_refused_before_the_page_is_written(
    isogloss: Isogloss, store: Path
) -> None:
    Path("file").write_text("a file")
    refused(isogloss("report", NAME, "--tables", "file"), "file", "a file has this name")
    refused(isogloss("report", NAME, "--tables", "file/below"), "file", "a part of this path is a file")
    assert {path.name for path in Path().iterdir()} == {"file", "runs"}
