"""Runs that are made again, on changed data or after a failure, as the commands that read them see it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.conftest import Isogloss
from isogloss.store import RunInfo, RunSpec, Store

RUN = ("run", "tiny.toml", "--offline", "--no-progress", "--set", "seeds=1", "--set", 'variants=["pooled"]')


def test_after_a_row_of_the_data_changed_a_name_means_the_new_run(isogloss: Isogloss, project: Path) -> None:
    assert isogloss(*RUN).code == 0
    (old,) = Store(project / "runs").runs()
    rows = project / "data" / "train-en.csv"
    header, first, *rest = rows.read_text().splitlines()
    rows.write_text("\n".join([header, f"w5 {first}", *rest]) + "\n")
    assert "1 runs done, 0 found" in isogloss(*RUN).out
    new = Store(project / "runs").resolve_one("tiny/pooled@0")
    assert (new.edition, new.key == old.key) == (old.edition, False)
    said = isogloss("table", "tiny", "--format", "csv")
    assert said.code == 0, said.err
    assert "1 older runs with the same settings and seeds are left out" in said.err
    assert isogloss("predict", "tiny/pooled@0", "data/test-sw.jsonl", "--offline").code == 0
    assert isogloss("table", old.key, "--format", "csv").err == ""  # asked for by its key


def test_an_old_run_in_the_place_of_one_that_is_not_done_is_told(isogloss: Isogloss, project: Path) -> None:
    assert isogloss(*RUN).code == 0
    store = Store(project / "runs")
    store.run("eeeeee00").begin(store.run(store.runs()[0].key).spec)
    said = isogloss("table", "tiny", "--format", "csv")
    assert said.code == 0, said.err
    assert "1 runs were begun again and are not done; the older ones are shown" in said.err
    assert "left out" not in said.err


def test_a_table_reads_the_description_of_every_run_once(
    isogloss: Isogloss, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scans: list[Path] = []
    runs = Store.runs

    def counted(store: Store) -> tuple[RunInfo, ...]:
        scans.append(store.root)
        return runs(store)

    monkeypatch.setattr(Store, "runs", counted)
    assert isogloss("table", "tiny/pooled", "tiny/meta_optimizer", "--store", made / "store").code == 0
    assert scans == [made / "store"]


@pytest.mark.parametrize("of", ["run", "phase"])
def test_show_has_the_traceback_of_a_failed_run_or_of_its_phase(isogloss: Isogloss, tmp_path: Path, of: str) -> None:
    store = Store(tmp_path)
    spec = RunSpec("tiny", "pooled", {}, {"adapt": 0}, "0", ["aaaaaa00"], {"name": "tiny"})
    store.run("eeeeee00").begin(spec)
    store.phase("aaaaaa00").begin({"name": "adapt"})
    told = "Traceback (most recent call last):\n  line 3\nRuntimeError: out of luck\n"
    store.phase("aaaaaa00").fail("RuntimeError: out of luck", told if of == "phase" else "")
    store.run("eeeeee00").fail("RuntimeError: out of luck", "adapt", told if of == "run" else "")
    said = isogloss("show", "tiny", "--store", tmp_path)
    assert said.code == 0, said.err
    assert "failed in adapt: RuntimeError: out of luck" in said.out
    assert said.out.endswith(
        "traceback\n  Traceback (most recent call last):\n    line 3\n  RuntimeError: out of luck\n"
    )
