"""`isogloss cite`: what a run used, and what it took."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cli.conftest import Isogloss, refused
from isogloss.store import Store


def test_a_run_says_whom_to_cite_and_what_it_took(isogloss: Isogloss, made: Path) -> None:
    said = isogloss("cite", "tiny/meta_optimizer", "--store", made / "store")
    assert said.code == 0
    for work in ("xu2021soft", "kornblith2019similarity", "philippy2023identifying"):
        assert said.out.count(f"{{{work},") == 1
    assert "finn2017maml" not in said.out
    assert "% data files: data of your own" in said.out
    assert re.search(r"% encoder \S+: see its model card", said.out)
    store = Store(made / "store")
    phases = {key for run in store.resolve("tiny/meta_optimizer") for key in run.phases}
    seconds = sum(store.phase(key).summary["seconds"] for key in phases)
    found = re.search(r"2 runs \(seed 0, 1\) took (\S+) device-hours", " ".join(said.out.replace("%", "").split()))
    assert found is not None
    assert float(found[1]) * 3600 >= seconds * 0.9
    outside = re.sub(r"^@.*?^\}$", "", said.out, flags=re.MULTILINE | re.DOTALL)
    assert all(line.startswith("%") or not line for line in outside.splitlines())


def test_what_a_run_did_not_use_is_not_cited(isogloss: Isogloss, made: Path) -> None:
    said = isogloss("cite", "tiny/pooled@0", "--store", made / "store")
    assert "xu2021soft" not in said.out
    assert "1 run (seed 0)" in said.out


def test_a_run_of_which_nothing_is_begun(isogloss: Isogloss, made: Path, tmp_path: Path) -> None:
    """Its phases are to come: it says what it can, in a line."""
    run = next(iter((made / "store" / "runs").iterdir()))
    folder = tmp_path / "store" / "runs" / run.name
    folder.mkdir(parents=True)
    content = json.loads((run / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**content, "phases": ["0123456789abcdef"]}))
    said = isogloss("cite", "tiny", "--store", tmp_path / "store")
    assert said.code == 0
    assert "took 0 device-hours" in said.out


@pytest.mark.parametrize("address", ["nothing", "tiny/pooled@9"])
def test_what_is_not_there_is_refused(isogloss: Isogloss, made: Path, address: str) -> None:
    refused(isogloss("cite", address, "--store", made / "store"), address.partition("/")[0])
