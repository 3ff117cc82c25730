"""Questions to runs: matrices from their frames, the answer, its tables, figures, and which layers to freeze."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import stats

from isogloss.analysis.correlation_table import correlation_tables
from isogloss.analysis.correlations import MEAN, POOLED, answer
from isogloss.analysis.layers import LEVEL, freezing_recipe, layers
from isogloss.analysis.statistics.frame import DEFAULT
from isogloss.analysis.statistics.pairs import Matrix
from isogloss.analysis.statistics.printed import printed_correlations
from isogloss.analysis.transfer import TransferFrames
from isogloss.analysis.typology import distances
from isogloss.errors import Mistakes
from isogloss.evaluation.render import render
from isogloss.recipe.analysis import CorrelateAnalysis
from isogloss.recipe.load import load_recipe
from isogloss.recipe.plan import make_plan
from isogloss.report.figures.drawing import save
from isogloss.report.figures.philippy2023 import correlation_figure, transfer_figure
from recipe.support import Fingerprints

CODES = ("bg", "de", "el", "en", "es", "fr", "hi", "ru", "th", "tr", "vi", "zh")
GENETIC = distances(CODES, "genetic").values
EDGES = np.array([0.5, 0.0, -0.5])
"""How much of the genetic distance there is in the impact on layers 1, 2, 3."""


SCORE = 60 - 10 * GENETIC + np.random.default_rng(0).normal(0, 3, size=(12, 12)) + 20 * np.eye(12)


def impact(draws: np.random.Generator) -> np.ndarray:
    """Layer × source × target: falls with the genetic distance in layer 1, not in layer 2, rises in layer 3."""
    return 0.5 - 0.3 * EDGES[:, None, None] * GENETIC + draws.normal(0, 0.02, size=(3, 12, 12))


@pytest.fixture(scope="module")
def observed() -> TransferFrames:
    scores, impacts = [], []
    for seed, shift in (("0", -1.0), ("1", 1.0)):
        values = impact(np.random.default_rng(1)) + 0.01 * shift
        for i, source in enumerate(CODES):
            facts = {"variant": "default", "seed": seed, "run": f"{source}{seed}", "axis.source": source}
            for j, target in enumerate(CODES):
                about = {**facts, "language": target, "n": 100}
                scores.append({**about, "metric": "accuracy", "value": SCORE[i, j] + shift})
                scores.append({**about, "metric": "macro_f1", "value": 0.0})
                looked = {**about, "phase": "source", "against": "encoder", "pooling": "first"}
                impacts += [{**looked, "layer": layer + 1, "impact": values[layer, i, j]} for layer in range(3)]
    sources = {f"{source}{seed}": source for source in CODES for seed in "01"}
    return TransferFrames.of("small-task", pl.DataFrame(scores), pl.DataFrame(impacts), sources)


def ask(**settings: object) -> CorrelateAnalysis:
    return CorrelateAnalysis.model_validate({"name": "correlate", "draws": 199, "kinds": ("genetic",), **settings})


@pytest.fixture(scope="module")
def with_distance(observed: TransferFrames) -> pl.DataFrame:
    return answer(ask(outcome="impact", kinds=("genetic", "syntactic")), observed)


@pytest.fixture(scope="module")
def with_transfer(observed: TransferFrames) -> pl.DataFrame:
    return answer(ask(outcome="impact", explanatory="transfer"), observed)


def test_matrices_are_means_over_seeds_with_sources_in_rows(observed: TransferFrames) -> None:
    transfer = observed.transfer_matrix("default")
    assert transfer.languages == CODES
    np.testing.assert_allclose(transfer.values, SCORE)
    first, *_ = observed.impact_matrices("default")
    np.testing.assert_allclose(first.values, impact(np.random.default_rng(1))[0])
    assert [matrix.layer for matrix in observed.impact_matrices("default")] == [1, 2, 3]


def test_frames_are_kept_and_read(observed: TransferFrames, tmp_path: Path) -> None:
    observed.write(tmp_path)
    back = TransferFrames.read(tmp_path / "small-task.transfer.csv")
    assert back.name == "small-task"
    np.testing.assert_allclose(
        back.transfer_matrix("default").values, observed.transfer_matrix("default").values, atol=1e-4
    )
    for ours, theirs in zip(observed.impact_matrices("default"), back.impact_matrices("default"), strict=True):
        np.testing.assert_allclose(ours.values, theirs.values, atol=1e-6)
    (tmp_path / "x.transfer.csv").write_text("a,b\n1,2\n")
    with pytest.raises(Mistakes, match="cannot be read as a frame of runs"):
        TransferFrames.read(tmp_path / "x.transfer.csv")


def test_impact_that_was_measured_in_two_ways_is_refused() -> None:
    """Red when a cell is the mean of two things."""
    row = {"run": "a", "variant": "v", "seed": "0", "metric": "accuracy", "n": 9, "language": "de"}
    way = {"layer": 1, "impact": 0.1, "phase": "source", "against": "encoder"}
    impacts = pl.DataFrame([{**row, **way, "pooling": pooling} for pooling in ("first", "mean")])
    with pytest.raises(Mistakes, match="2 ways: source against encoder, first token; source against encoder, mean"):
        TransferFrames.of("x", pl.DataFrame([row | {"value": 50.0}]), impacts, {"a": "en"})


def test_a_frozen_layer_costs_the_others_nothing(observed: TransferFrames) -> None:
    """Impact that is none but for rounding is correlated with nothing, alone and among the rows of all layers."""
    noise = pl.Series(1e-14 * np.random.default_rng(0).normal(size=observed.impact.height))
    still = pl.when(pl.col("layer") == 1).then(noise).otherwise(pl.col("impact"))
    frozen = observed._replace(impact=observed.impact.with_columns(impact=still))
    question = ask(outcome="impact", kinds=("genetic",))
    found = answer(question, frozen, tests=("naive", DEFAULT))
    against = answer(question.model_copy(update={"explanatory": "transfer"}), frozen, tests=("naive", DEFAULT))
    known = {layer.layer: layer for layer in layers(found, against)}
    assert known[1].transfer.p_naive is None
    assert not known[1].chosen
    assert not known[1].chosen_naively
    first = found.filter(layer=1)
    assert set(first["note"]) == {"the same number everywhere: outcome"}
    assert first["value"].null_count() == first["p"].null_count() == first.height > 0
    assert found.filter(layer=2)["value"].null_count() == 0
    assert found.filter(test=POOLED, with_same_language=False)["cells"].unique().to_list() == [2 * 132]
    alone = answer(ask(outcome="impact", source="en", kinds=("genetic",)), frozen)
    assert set(alone.filter(layer=1)["note"]) == {"the same number everywhere: outcome"}


def test_a_score_that_is_not_there_is_refused() -> None:
    scores = pl.DataFrame({"run": ["a"], "metric": ["accuracy"]})
    with pytest.raises(Mistakes, match="did you mean"):
        TransferFrames.of("small", scores, pl.DataFrame(), {"a": "en"}, metric="acuracy")


def test_transfer_and_distance(observed: TransferFrames) -> None:
    found = answer(ask(), observed)
    row = found.filter(test="naive", coefficient="pearson", with_same_language=False).row(0, named=True)
    off = ~np.eye(12, dtype=bool)
    expected = stats.pearsonr(GENETIC[off], observed.transfer_matrix("default").values[off])
    assert row["value"] == pytest.approx(expected.statistic)
    assert row["p"] == pytest.approx(expected.pvalue)
    assert (row["variant"], row["source"], row["cells"], row["outcome"]) == ("default", "", 132, "transfer")


def test_impact_and_distance_by_layer(with_distance: pl.DataFrame) -> None:
    believed = with_distance.filter(test=DEFAULT, coefficient="two-way pearson", explanatory="genetic")
    believed = believed.filter(~pl.col("with_same_language"))
    value = dict(zip(believed["layer"], believed["value"], strict=True))
    assert value[1] < -0.3
    assert abs(value[2]) < 0.3
    assert value[3] > 0.3
    assert set(value) == {1, 2, 3, None}  # None: the mean of all layers
    pooled = with_distance.filter(test=POOLED, explanatory="genetic", coefficient="pearson", with_same_language=False)
    off = ~np.eye(12, dtype=bool)
    y = impact(np.random.default_rng(1))[:, off]
    expected = stats.pearsonr(np.tile(GENETIC[off], 3), y.ravel()).statistic
    assert pooled["value"][0] == pytest.approx(expected)
    assert MEAN in set(with_distance["outcome"])


def test_the_same_key_gives_the_same_answer(observed: TransferFrames) -> None:
    assert answer(ask(), observed).equals(answer(ask(), observed))


def test_distances_that_lack_a_language_are_not_controlled_for(observed: TransferFrames) -> None:
    """Controls would cost every test that language."""
    found = answer(ask(kinds=("genetic", "inventory", "phonological", "syntactic")), observed)
    assert set(found["controls"]) == {"genetic inventory phonological syntactic"}
    arabic = observed._replace(transfer=observed.transfer.with_columns(pl.col("source", "target").replace("bg", "ar")))
    found = answer(ask(kinds=("genetic", "inventory", "syntactic")), arabic)
    assert set(found["controls"]) == {"genetic syntactic"}
    assert set(found.filter(explanatory="genetic")["dropped"]) == {""}
    assert set(found.filter(explanatory="inventory")["languages"]) == {11}


def test_of_one_source(observed: TransferFrames) -> None:
    found = answer(ask(source="en", distances="kilometres", kinds=()), observed)
    assert set(found["source"]) == {"en"}
    assert set(found["cells"]) == {12, 11}


def test_impact_that_was_not_measured_is_refused(observed: TransferFrames) -> None:
    without = observed._replace(impact=observed.impact.clear())
    with pytest.raises(Mistakes, match="the impact was not measured"):
        answer(ask(outcome="impact"), without)


def test_a_variant_without_impact_is_named(observed: TransferFrames) -> None:
    other = observed.transfer.with_columns(variant=pl.lit("other"))
    both = observed._replace(transfer=pl.concat([observed.transfer, other]))
    with pytest.raises(Mistakes, match='no impact of the variant "other"'):
        answer(ask(outcome="impact"), both)


def test_cells_of_two_languages_are_no_targets(tmp_path: Path) -> None:
    row = {"run": "a", "variant": "v", "seed": "0", "metric": "accuracy", "n": 9, "language": "de"}
    scores = pl.DataFrame(
        [{**row, "value": 50.0, "second_language": None}, {**row, "value": 1.0, "second_language": "en"}]
    )
    assert TransferFrames.of("x", scores, pl.DataFrame(), {"a": "en"}).transfer["score"].to_list() == [50.0]
    (tmp_path / "x.transfer.csv").write_text("variant,seed,source,target,metric,score,n\n")
    with pytest.raises(Mistakes, match="no rows"):
        TransferFrames.read(tmp_path / "x.transfer.csv")


def test_tables_have_what_was_found(with_distance: pl.DataFrame, with_transfer: pl.DataFrame) -> None:
    without, with_pairs = correlation_tables(with_distance)
    assert "without same-language pairs" in without.title
    assert "with same-language pairs" in with_pairs.title
    assert [row[0].value for row in without.rows] == ["1", "2", "3", "mean", "rows of all"]
    assert [column.name for column in without.columns] == ["layer", "genetic", "syntactic"]
    value = with_distance.filter(test="naive", coefficient="pearson", explanatory="genetic", layer=3)
    naive = value.filter(~pl.col("with_same_language"))
    shown = str(without.rows[2][1].value)
    one = r"[+−]0\.\d\d \((<\.001|1?\.\d{3}|–)\)"
    assert re.fullmatch(f"{one}; {one}", shown), shown
    tested = with_distance.filter(test=DEFAULT, coefficient="two-way pearson", explanatory="genetic", layer=3)
    tested = tested.filter(~pl.col("with_same_language"))
    assert f"; {tested['value'][0]:+.2f}".replace("-", "−") in shown
    assert shown.startswith(f"{naive['value'][0]:+.2f}".replace("-", "−"))
    first, _ = correlation_tables(with_transfer, printed_correlations("philippy2023-table2"))
    printed = [column.name for column in first.columns].index("printed")
    assert first.rows[0][printed].value == 0.2779
    assert "does not hold its level" in render([first], "text")


def test_printed_numbers_stand_where_they_belong() -> None:
    """Figure 1 leaves same-language pairs out, table 1 has them."""
    one, three = printed_correlations("philippy2023-figure1"), printed_correlations("philippy2023-table3")
    assert set(one["with_same_language"]) == {False}
    assert set(printed_correlations("philippy2023-table1")["with_same_language"]) == {True}
    assert set(three["variant"]) == {"full", "A", "B", "C"}
    assert one.filter(layer="mean", explanatory="genetic")["value"].to_list() == [-0.307]
    with pytest.raises(Mistakes, match="did you mean"):
        printed_correlations("philippy2023-figure9")


def test_a_p_value_stands_beside_the_coefficient_that_it_is_of(with_transfer: pl.DataFrame) -> None:
    """Red when the reader of a table must take MRQAP's p-value for Spearman's."""
    table, _ = correlation_tables(with_transfer)
    names = [column.name for column in table.columns]
    for heading, test, coefficient in (
        ("MRQAP partial", "MRQAP-DSP", "partial"),
        ("mixed model slope", "mixed model", "slope"),
        ("two-way Pearson", DEFAULT, "two-way pearson"),
    ):
        place = names.index(heading)
        asked = with_transfer.filter(test=test, coefficient=coefficient, layer=2, with_same_language=False)
        assert [cell.value for cell in table.rows[1][place : place + 2]] == [asked["value"][0], asked["p"][0]]


def test_layers_by_the_papers_criterion(with_distance: pl.DataFrame, with_transfer: pl.DataFrame) -> None:
    """Impact on layers 1 and 3 goes with distance; transfer goes with distance, too, and so with both."""
    found = layers(with_distance, with_transfer)
    assert [layer.layer for layer in found] == [1, 2, 3]
    for layer in found:
        genetic = next(link for link in layer.distances if link.name == "genetic")
        told = [link.p for link in layer.distances if link.p is not None]
        assert layer.chosen == (min(told) < LEVEL <= layer.transfer.p)
        naive = with_distance.filter(test="naive", coefficient="pearson", layer=layer.layer, explanatory="genetic")
        assert genetic.p_naive == naive.filter(~pl.col("with_same_language"))["p"][0]
        assert (genetic.p_naive < 0.001) == (layer.layer != 2)
    # Transfer that has nothing to do with impact: what goes with distance is chosen.
    nothing = with_transfer.with_columns(p=pl.lit(0.5), p_bh=pl.lit(0.5))
    # No relation to transfer is judged without a correction, which would find it more easily.
    some = with_transfer.with_columns(p=pl.lit(0.04), p_bh=pl.lit(0.5))
    assert not any(layer.chosen or layer.chosen_naively for layer in layers(with_distance, some))
    undefined = nothing.with_columns(p=pl.lit(None, pl.Float64))
    assert not any(layer.chosen for layer in layers(with_distance.with_columns(p_bh=pl.lit(0.001)), undefined))
    assert [layer.layer for layer in layers(with_distance, nothing) if layer.chosen_naively] == [1, 3]
    certain = {"p": pl.lit(0.001), "p_bh": pl.lit(0.001)}
    distance, transfer = with_distance.with_columns(**certain), with_transfer.with_columns(**certain)
    assert not any(layer.chosen or layer.chosen_naively for layer in layers(distance, transfer))
    assert all(layer.chosen and layer.chosen_naively for layer in layers(distance, nothing))


def test_the_recipe_that_freezes_them_loads_and_plans(tmp_path: Path) -> None:
    recipe = load_recipe("philippy2023-figure3", profile="mini")
    file = tmp_path / "frozen.toml"
    file.write_text(freezing_recipe(recipe, [2, 5], source="de"), encoding="utf-8")
    made = load_recipe(file)
    assert [variant.name for variant in made.variants] == ["full", "frozen_2", "frozen_5", "frozen_2_5"]
    axes = {"source": ("de",)}
    assert made.for_cell("full", axes).phase("source").freeze == ("embeddings",)
    assert made.for_cell("frozen_2_5", axes).phase("source").freeze == ("embeddings", "layer.2", "layer.5")
    plan = make_plan(made, Fingerprints())
    assert {cell.source for cell in plan.cells} == {("de",)}
    ours = {cell.final for cell in make_plan(recipe, Fingerprints()).cells if cell.source == ("de",)}
    assert ours == {cell.final for cell in plan.cells if cell.variant == "full"}  # trained once for both


def test_the_recipe_keeps_what_the_variant_that_was_looked_into_changes(tmp_path: Path) -> None:
    """Red when the recipe's base is frozen instead: layers would be proposed for one thing and tried on another."""
    recipe = load_recipe("philippy2023-table3", profile="mini")
    file = tmp_path / "frozen.toml"
    file.write_text(freezing_recipe(recipe, [3], variant="B"), encoding="utf-8")
    made = load_recipe(file)
    frozen = {one.name: made.for_cell(one.name, {}).phase("source").freeze for one in made.variants}
    assert frozen == {"full": ("embeddings", "layer.5"), "frozen_3": ("embeddings", "layer.5", "layer.3")}
    lowest = tmp_path / "lowest.toml"
    lowest.write_text(freezing_recipe(load_recipe("philippy2023-table3"), [0], variant="full"), encoding="utf-8")
    assert load_recipe(lowest).for_cell("frozen_0", {}).phase("source").freeze == ("embeddings",)
    german = tmp_path / "german.toml"  # where no run is trained on English, nothing is asked of it
    german.write_text(freezing_recipe(load_recipe("philippy2023-figure2"), [2], source="de"), encoding="utf-8")
    assert [one.name for one in load_recipe(german).analyses] == ["impact"]
    with pytest.raises(Mistakes, match='recipe philippy2023-table3 has no variant "b"') as caught:
        freezing_recipe(recipe, [3], variant="b")
    assert "--recipe" in str(caught.value)


@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf", ".html", ".json"])
def test_figures_are_written(with_distance: pl.DataFrame, tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"figure{suffix}"
    save(correlation_figure(with_distance, printed_correlations("philippy2023-figure1")), file)
    head = file.read_bytes()[:200]
    save(correlation_figure(with_distance, printed_correlations("philippy2023-table1")), file.with_stem("no_layers"))
    starts = {".svg": b"<svg", ".png": b"\x89PNG", ".pdf": b"%PDF", ".html": b"<!DOCTYPE", ".json": b"{"}
    assert head.lstrip().startswith(starts[suffix])
    if suffix == ".svg":
        text = file.read_text(encoding="utf-8")
        assert "−0.31" in text  # printed: mean of layers, genetic
        assert "as printed" in text
        assert "as printed" not in file.with_stem("no_layers").read_text(encoding="utf-8")
    if suffix == ".html":
        assert "https://cdn" not in file.read_text(encoding="utf-8")


def test_a_figure_of_transfer_has_every_cell(observed: TransferFrames, tmp_path: Path) -> None:
    file = tmp_path / "figure.svg"
    matrix = observed.transfer_matrix("default")
    matrix.values[3, 4] = np.nan
    save(transfer_figure([("<b>ours</b>", matrix)]), file)
    text = file.read_text(encoding="utf-8")
    assert "<b>" not in text
    numbers = re.findall(r">(\d\d)</text>", text)
    assert len([number for number in numbers if int(number) > 25]) >= 143


def test_each_matrix_has_colours_of_its_own() -> None:
    """Red when one scale serves both: of the one with lower scores nothing but dark cells is then seen."""
    low, high = (Matrix("transfer", ("de", "en"), np.array([[base, 2.0], [3.0, 4.0]]) + base) for base in (1.0, 80.0))
    spec = transfer_figure([("low", low), ("high", high)]).to_dict()
    assert spec["resolve"] == {"scale": {"color": "independent"}}
    of = [part["layer"][0]["encoding"]["color"]["scale"]["domain"] for part in spec["vconcat"]]
    assert of == [[2.0, 5.0], [82.0, 160.0]]


def test_figures_of_another_kind_are_refused(with_distance: pl.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(Mistakes, match=r'no figures end in "\.gif"'):
        save(correlation_figure(with_distance), tmp_path / "figure.gif")
