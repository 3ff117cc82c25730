"""The store asked: addresses, editions, frames, and what may be deleted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from isogloss.errors import Mistakes
from isogloss.store import RunInfo, RunSpec, Store, claim

_VARIANTS = [{"name": "pooled", "skip": ["meta"]}, {"name": "meta_optimizer"}]


def begin(store: Store, key: str, variant: str = "pooled", seed: int = 0, **changes: Any) -> None:
    settings = {
        "name": "table1",
        "task": "xnli",
        "seeds": 3,
        "variants": _VARIANTS,
        **changes.pop("settings", {}),
    }
    given = {
        "recipe": "table1",
        "axes": {"auxiliary": ["el", "ur"]},
        "phases": ["source0", key + "p"],
        **changes,
    }
    store.run(key).begin(RunSpec(variant=variant, seeds={"adapt": seed}, seed=str(seed), settings=settings, **given))


def finish(store: Store, key: str, value: float = 50.0, **columns: Any) -> None:
    scores = pl.DataFrame({"language": ["sw"], "value": [value], **columns})
    predictions = pl.DataFrame(
        {"id": ["a", "b"], "label": [0, 1], "prediction": [0, 0]}, schema_overrides={"label": pl.Int16}
    )
    store.run(key).finish(scores, predictions, {"seconds": 1.5})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "a 'store' [x]")  # a path that globs and quotes would trip over


@pytest.fixture
def filled(store: Store) -> Store:
    for index, (variant, seed) in enumerate([("meta_optimizer", 0), ("pooled", 1), ("pooled", 0)]):
        key = f"aaaa{index}bbbb"
        begin(store, key, variant, seed)
        finish(store, key, 50.0 + index)
    begin(store, "cccccc00", "meta_optimizer", 1)
    store.run("cccccc00").fail("the loss is not finite at step 3", "meta")
    return store


def test_an_empty_store(store: Store) -> None:
    assert store.runs() == ()
    assert store.scores().is_empty()
    assert store.predictions().is_empty()
    assert store.failed() == ()
    assert not store.root.exists()
    with pytest.raises(Mistakes, match="isogloss run RECIPE"):
        store.resolve("table1")


def test_what_a_run_is_comes_back(filled: Store) -> None:
    info = filled.resolve_one("aaaa1b")
    assert (info.recipe, info.variant, info.seed, info.state) == ("table1", "pooled", "1", "done")
    assert info.axes == {"auxiliary": ("el", "ur")}
    assert info.seeds == {"adapt": 1}
    assert info.phases == ("source0", "aaaa1bbbbp")
    assert info.settings["task"] == "xnli"
    assert filled.run(info.key).spec.axes == {"auxiliary": ["el", "ur"]}
    assert filled.run(info.key).summary["seconds"] == 1.5


def test_a_name_means_all_runs_ordered_by_variant_and_seed(filled: Store) -> None:
    assert [run.address for run in filled.resolve("table1")] == [
        "table1/pooled@0",
        "table1/pooled@1",
        "table1/meta_optimizer@0",
        "table1/meta_optimizer@1",
    ]
    assert [run.seed for run in filled.resolve("table1/pooled")] == ["0", "1"]
    assert [run.key for run in filled.resolve("table1/pooled@1")] == ["aaaa1bbbb"]


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("tabel1", 'did you mean "table1"'),
        ("other", "recipes here: table1"),
        ("table1/poled", 'did you mean "pooled"'),
        ("table1/pooled@7", "seeds here: 0, 1"),
        ("dddddd11", "no run has the key"),
        ("table1/", "no address"),
        ("table1#12345678", "editions here"),
    ],
)
def test_an_address_that_names_nothing_is_one_mistake_with_a_remedy(filled: Store, address: str, says: str) -> None:
    with pytest.raises(Mistakes, match=says) as caught:
        filled.resolve(address)
    assert len(caught.value.mistakes) == 1
    assert "\n" not in str(caught.value)


def test_a_prefix_of_several_keys_and_a_name_of_several_runs(filled: Store) -> None:
    begin(filled, "aaaa1bzzz")
    with pytest.raises(Mistakes, match="several keys begin"):
        filled.resolve("aaaa1b")
    with pytest.raises(Mistakes, match=r"names 2 runs.*meta_optimizer@1"):
        filled.resolve_one("table1/meta_optimizer")


def test_a_failure_is_told_and_cleared_by_success(filled: Store) -> None:
    (failed,) = filled.failed("table1")
    assert (failed.key, failed.error, failed.failed_phase) == (
        "cccccc00",
        "the loss is not finite at step 3",
        "meta",
    )
    finish(filled, "cccccc00")
    assert filled.failed() == ()
    assert filled.resolve_one("cccccc").state == "done"


def test_other_settings_of_the_same_recipe_never_meet_in_one_table(filled: Store) -> None:
    old = filled.runs()[0].edition
    begin(filled, "eeeeee00", settings={"task": "massive"})
    assert [run.key for run in filled.resolve("table1")] == ["eeeeee00"]
    assert len(filled.resolve(f"table1#{old}")) == 4
    assert len(filled.resolve(f"table1#{old}/pooled")) == 2


def test_more_seeds_cells_and_variants_are_the_same_edition(filled: Store) -> None:
    more = {
        "seeds": 5,
        "axes": {"auxiliary": [["el"]]},
        "variants": [*_VARIANTS, {"name": "frozen"}],
        "keep": "all",
    }
    begin(filled, "eeeeee00", "frozen", settings=more)
    assert len(filled.resolve("table1")) == 5


def test_a_key_that_is_not_set_is_no_other_edition(filled: Store) -> None:
    begin(filled, "eeeeee00", settings={"phases": [{"name": "source", "method": "finetune"}], "new_key": None})
    begin(filled, "ffffff00", settings={"phases": [{"name": "source", "method": "finetune", "support": None}]})
    assert filled.resolve_one("eeeeee00").edition == filled.resolve_one("ffffff00").edition


def test_a_variant_that_was_redefined_replaces_its_old_runs_only(filled: Store) -> None:
    changed = [{"name": "pooled", "skip": ["meta", "source"]}, {"name": "meta_optimizer"}]
    begin(filled, "eeeeee00", "pooled", settings={"variants": changed})
    assert [run.key for run in filled.resolve("table1/pooled")] == ["eeeeee00"]
    assert len(filled.resolve("table1/meta_optimizer")) == 2


def test_of_a_run_made_again_with_equal_settings_the_newest_stands(filled: Store) -> None:
    """As after a change of the data: other keys, equal editions."""
    begin(filled, "eeeeee00", "pooled", 1)
    finish(filled, "eeeeee00", 70)
    assert filled.resolve_one("table1/pooled@1").key == "eeeeee00"
    assert [run.key for run in filled.resolve("table1/pooled")] == ["aaaa2bbbb", "eeeeee00"]
    assert filled.resolve_one("aaaa1b").key == "aaaa1bbbb"
    begin(filled, "ffffff00", "pooled", 1, axes={"auxiliary": ["el"]})  # another cell takes no other's place
    assert {run.key for run in filled.resolve("table1/pooled@1")} == {"eeeeee00", "ffffff00"}


def test_one_made_again_that_is_not_done_stands_only_where_none_is(filled: Store) -> None:
    begin(filled, "eeeeee00", "pooled", 1)
    assert filled.resolve_one("table1/pooled@1").key == "aaaa1bbbb"
    begin(filled, "ffffff00", "meta_optimizer", 1)  # the older one failed
    assert filled.resolve_one("table1/meta_optimizer@1").key == "ffffff00"


def test_what_is_known_of_runs_needs_none_of_their_results(filled: Store) -> None:
    for path in filled.root.glob("runs/*/*.parquet"):
        path.write_bytes(b"not opened")
    assert len(filled.runs()) == 4


def test_a_traceback_is_kept_until_success(filled: Store) -> None:
    run = filled.run("cccccc00")
    assert run.traceback == ""
    run.fail("RuntimeError: out of luck", "meta", "Traceback:\n  line 3\n")
    assert run.traceback == "Traceback:\n  line 3\n"
    assert filled.resolve_one("cccccc").error == "RuntimeError: out of luck"
    finish(filled, "cccccc00")
    assert run.traceback == ""


def test_frames_hold_the_rows_of_done_runs_and_null_where_a_run_lacks_a_column(filled: Store) -> None:
    begin(filled, "eeeeee00", "pooled", 2)
    finish(filled, "eeeeee00", 60, **{"axis.target": ["sw"]})
    scores = filled.scores("table1")
    assert scores.height == 4
    assert scores.filter(pl.col("axis.target").is_null()).height == 3
    assert scores["run"].to_list()[0] == "aaaa2bbbb"
    assert filled.predictions("table1/pooled").height == 6
    predictions = filled.predictions(columns=["id", "label"])
    assert predictions["label"].dtype == pl.Int16
    assert set(predictions.columns) == {"id", "label", "recipe", "variant", "axis.auxiliary", "seed", "run"}
    assert predictions["axis.auxiliary"].unique().to_list() == ["el+ur"]


def test_duckdb_sees_what_the_folders_hold(filled: Store) -> None:
    query = "select variant, max(value) from scores join runs on run = key group by 1 order by 1"
    with filled.connect() as connection:
        assert connection.execute(query).fetchall() == [("meta_optimizer", 50.0), ("pooled", 52.0)]


def test_a_run_file_that_somebody_broke_is_a_mistake(filled: Store) -> None:
    (filled.run("cccccc00").path / "run.json").write_text('{"recipe": ')
    with pytest.raises(Mistakes, match="cannot be read"):
        filled.runs()


@pytest.mark.parametrize(
    ("keep", "left"),
    [("all", {"source0", "aaaa1bbbbp", "aaaa2bbbbp"}), ("shared", {"source0"}), ("scores", set())],
)
def test_keep_decides_which_weights_stay(store: Store, keep: Any, left: set[str]) -> None:
    _two_runs_with_weights(store)
    store.release(["source0", "aaaa1bbbbp", "aaaa2bbbbp"], keep=keep)
    assert _with_weights(store) == left
    assert store.phase("aaaa1bbbbp").done


def test_what_keeps_everything_stays_when_another_recipe_goes_through_it(store: Store) -> None:
    _two_runs_with_weights(store)
    begin(store, "ffffff00", recipe="kept", phases=["source0"], settings={"keep": "all"})
    finish(store, "ffffff00")
    store.release(["source0", "aaaa1bbbbp"], keep="scores")
    assert _with_weights(store) == {"source0", "aaaa2bbbbp"}


def test_what_an_unfinished_run_or_the_caller_needs_stays(store: Store) -> None:
    _two_runs_with_weights(store)
    begin(store, "ffffff00")
    store.release(["source0", "aaaa1bbbbp", "aaaa2bbbbp"], keep="scores", needed=["aaaa1bbbbp"])
    assert _with_weights(store) == {
        "source0",
        "aaaa1bbbbp",
    }


def test_what_a_run_needs_that_begins_while_weights_are_released_stays(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process begins a run after `release` has looked at who needs what, and before it deletes."""
    _two_runs_with_weights(store)
    look = Store.runs

    def look_and_be_late(self: Store) -> tuple[RunInfo, ...]:
        found = look(self)
        if not self.run("ffffff00").path.exists():
            begin(self, "ffffff00")
        return found

    monkeypatch.setattr(Store, "runs", look_and_be_late)
    store.release(["source0", "aaaa1bbbbp"], keep="scores")
    assert _with_weights(store) == {"source0", "aaaa2bbbbp"}


def test_what_somebody_holds_the_claim_on_stays(store: Store) -> None:
    _two_runs_with_weights(store)
    with claim(store.phase("source0").path):  # type: ignore[union-attr]
        store.release(["source0", "aaaa1bbbbp", "never-begun"], keep="scores")
    assert _with_weights(store) == {"source0", "aaaa2bbbbp"}
    assert not store.phase("never-begun").path.exists()
    assert claim(store.phase("aaaa1bbbbp").path)  # given up again


def _with_weights(store: Store) -> set[str]:
    return {path.parent.name for path in store.root.glob("phases/*/weights.safetensors")}


def _two_runs_with_weights(store: Store) -> None:
    for key in ("aaaa1bbbb", "aaaa2bbbb"):
        begin(store, key)
        finish(store, key)
        for phase in ("source0", key + "p"):
            store.phase(phase).begin({})
            store.phase(phase).finish(lambda path: path.touch(), {})
