"""Size in pre-training as a control: whose it is, what it takes out, whom it costs, and what is refused."""

from __future__ import annotations

import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import statsmodels.api as sm
from scipy import stats

from analysis.worlds import gaps, standard, yule
from isogloss.analysis import controls
from isogloss.analysis.controls import PRETRAINING, pretraining_sizes
from isogloss.analysis.correlation_table import correlation_tables
from isogloss.analysis.correlations import answer, read_answer
from isogloss.analysis.pretraining import Reading, known_encoders, reading
from isogloss.analysis.statistics.frame import DEFAULT, TAKE_CONTROLS, TESTS, Question, relate
from isogloss.analysis.statistics.pairs import Floats, Matrix, of_source, of_target
from isogloss.analysis.statistics.printed import STAND_IN, controlled
from isogloss.analysis.transfer import TransferFrames
from isogloss.errors import Mistakes
from isogloss.evaluation.frame import write_frame
from isogloss.evaluation.render import render
from isogloss.keys import Key
from isogloss.languages import languages
from isogloss.recipe.analysis import SIZED_ENCODERS, CorrelateAnalysis
from isogloss.recipe.load import load_recipe

CODES = ("bg", "de", "el", "en", "es", "fr", "hi", "ru", "th", "tr", "vi", "zh")
SIZES = {code: float(reading(STAND_IN, code).log_size or 0) for code in CODES}
XLMR, MBERT = "xlm-roberta-base", "bert-base-multilingual-cased"
OFF = ~np.eye(len(CODES), dtype=bool)


def confounded(seed: int, n: int = 15) -> tuple[Floats, Floats, Floats]:
    """A distance and an outcome that have nothing in common but sizes: what was read little of is far, and hard."""
    rng = Key(seed, "sizes").generator()
    tree, size = yule(n, rng), rng.standard_normal(n)
    both = size[:, None] + size
    effects, noise = rng.standard_normal((2, n)), rng.standard_normal((n, n))
    x = standard(gaps(tree, rng)) - 1.5 * both
    return size, x, both + 0.3 * (effects[0][:, None] + effects[1]) + 0.5 * noise


def rejections(simulations: int, *, control: bool) -> Counter[str]:
    found: Counter[str] = Counter()
    for seed in range(simulations):
        size, x, y = confounded(seed)
        named = dict(zip(map(str, range(size.size)), size, strict=True))
        sizes = (of_source("size", named).values, of_target("size", named).values) if control else ()
        tree = yule(size.size, np.random.default_rng(0))
        ask = Question(x, y, ~np.eye(size.size, dtype=bool), sizes, tree, 99, 0.05, Key(seed, "ask"))
        for test in TAKE_CONTROLS:
            make, (coefficient, *_) = TESTS[test]
            found[test] += make(ask, coefficient)["p"] <= 0.05
    return found


def test_a_planted_effect_of_size_is_not_taken_for_one_of_distance() -> None:
    """The level in 300 worlds. Red when sizes are not taken out, of one side or of both."""
    held = stats.binom.ppf(0.999, 300, 0.05)
    for test, count in rejections(300, control=True).items():
        assert 3 <= count <= held, test
    for test, count in rejections(40, control=False).items():
        assert count > 20, test


def frames(seed: int = 0, encoder: str | None = None) -> TransferFrames:
    """Scores that grow with the sizes of source and of target, and are nothing else but noise."""
    size = np.array(list(SIZES.values()))
    scores = 50 + 6 * (size[:, None] + size) + np.random.default_rng(seed).normal(size=(12, 12))
    rows = [
        {"run": f"{source}{seed}", "variant": "v", "seed": "0", "language": target, "metric": "accuracy", "n": 9}
        | {"value": float(scores[i, j])}
        for i, source in enumerate(CODES)
        for j, target in enumerate(CODES)
    ]
    runs = {f"{code}{seed}": code for code in CODES}
    encoders = None if encoder is None else dict.fromkeys(runs, encoder)
    return TransferFrames.of("small", pl.DataFrame(rows), pl.DataFrame(), runs, encoders=encoders)


def ask(**settings: object) -> CorrelateAnalysis:
    given = {"name": "correlate", "draws": 99, "kinds": ("genetic", "syntactic"), "controls": (PRETRAINING,)}
    return CorrelateAnalysis.model_validate({**given, **settings})


def pick(frame: pl.DataFrame, test: str, coefficient: str, **of: object) -> dict[str, object]:
    return frame.filter(test=test, coefficient=coefficient, with_same_language=False, **of).row(0, named=True)


@pytest.fixture(scope="module")
def found() -> pl.DataFrame:
    return answer(ask(), frames(encoder=XLMR))


def test_it_is_least_squares_with_the_logarithms_of_both_sizes(found: pl.DataFrame) -> None:
    """Red when a size is no logarithm, or source and target are exchanged or one of them is missing."""
    observed, size = frames(), np.array(list(SIZES.values()))
    y = observed.transfer_matrix("v").values
    genetic, syntactic = (Matrix.of(one).values for one in controls_of(("genetic", "syntactic")))
    sources, targets = np.nonzero(OFF)
    frame = pd.DataFrame({"y": y[OFF], "x": genetic[OFF], "other": syntactic[OFF]})
    frame["of_source"], frame["of_target"] = size[sources], size[targets]
    columns = frame[["of_source", "of_target", "other", "x"]]
    fit = sm.OLS(frame["y"], sm.add_constant(columns)).fit()
    row = pick(found, "MRQAP-DSP", "partial", explanatory="genetic")
    assert row["statistic"] == pytest.approx(fit.tvalues["x"])
    frame = (frame - frame.mean()) / frame.std(ddof=0)
    frame["source"], frame["target"], frame["all"] = sources.astype(str), targets.astype(str), "1"
    parts = {"source": "0 + C(source)", "target": "0 + C(target)"}
    formula = "y ~ of_source + of_target + other + x"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of statsmodels: variances of main effects are 0 here
        model = sm.MixedLM.from_formula(formula, frame, groups="all", vc_formula=parts, re_formula="0").fit()
    assert pick(found, "mixed model", "slope", explanatory="genetic")["value"] == pytest.approx(
        model.params["x"], abs=1e-3
    )


def controls_of(kinds: tuple[str, ...]) -> list[object]:
    from isogloss.analysis.origins import distances_from

    return list(distances_from("uriel", CODES, kinds))


def test_who_asks_for_no_control_gets_what_was_answered_before(found: pl.DataFrame) -> None:
    """Red when sizes reach a test that takes none, or two-way coefficients, with which they are taken out anyway."""
    plain = answer(ask(controls=()), frames(encoder=XLMR))
    assert set(plain["sizes_of"]) == {""}
    assert set(plain["controls"]) == {"genetic syntactic"}
    assert set(found["sizes_of"]) == set(found["encoder"]) == {XLMR}
    assert set(found["controls"]) == {"genetic syntactic pretraining"}
    tested = found.drop("controls", "sizes_of").columns
    both = (pl.col("coefficient") == "partial") | (pl.col("test") == "mixed model")
    two_way, rest = pl.col("coefficient") == "two-way partial", ~pl.col("test").is_in(TAKE_CONTROLS)
    assert found.filter(rest).select(tested).equals(plain.filter(rest).select(tested))
    for column in ("value", "p"):
        np.testing.assert_allclose(found.filter(two_way)[column], plain.filter(two_way)[column])
        assert (found.filter(both)[column] != plain.filter(both)[column]).all()


def test_a_language_without_a_size_is_left_out_of_those_tests_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Red when a size is guessed, or the language is lost to the tests that need none."""

    def some(encoder: str, code: str) -> Reading:
        return Reading("yes") if code in ("th", "hi") else reading(encoder, code)

    monkeypatch.setattr(controls, "reading", some)
    found = answer(ask(), frames(encoder=XLMR))
    for test in found["test"].unique():
        mine = found.filter(test=test, with_same_language=False)
        assert set(mine["languages"]) == {10 if test in TAKE_CONTROLS else 12}
        assert set(mine["cells"]) == {90 if test in TAKE_CONTROLS else 132}
        said = "hi: not in pretraining; th: not in pretraining" if test in TAKE_CONTROLS else ""
        assert set(mine["dropped"]) == {said}
    (without, _) = correlation_tables(found)
    assert [row[1].value for row in without.rows] == [132, 132]
    assert [note for note in without.footnotes if "hi:" in note] == [
        "MRQAP and the mixed model, of 90 pairs of 10 languages: genetic, syntactic without hi: not in pretraining; "
        "th: not in pretraining"
    ]
    monkeypatch.setattr(controls, "reading", lambda *_: Reading("yes", 2.0) if _[1] in CODES[:4] else Reading("yes"))
    with pytest.raises(Mistakes, match=f"of 12 languages {XLMR} is known to have read 12, and how much of 4, where"):
        answer(ask(), frames(encoder=XLMR))


def test_tables_say_whose_sizes_they_are(found: pl.DataFrame) -> None:
    own = render(list(correlation_tables(found)), "md")
    assert "control for genetic, syntactic, pretraining, but for the distance in question" in own
    assert f"of source and of target that {XLMR} had read; not read counts as 0.1 GiB" in own.replace("\\", "")
    other = answer(ask(encoder=XLMR), frames(encoder="mini"))
    assert set(other["encoder"]) == {"mini"}
    said = f"{XLMR} had read, in place of those of mini, with which the runs were made; not read counts"
    assert said in render(list(correlation_tables(other)), "md").replace("\\", "")
    unsaid = answer(ask(encoder=XLMR), frames())
    assert "is not kept" in render(list(correlation_tables(unsaid)), "md")
    for column in ("value", "p"):
        assert unsaid[column].equals(found[column])
        assert other[column].equals(found[column])


def test_where_the_tests_that_take_controls_are_not_shown_it_is_said_where_they_are() -> None:
    observed = frames(encoder=XLMR)
    impact = observed.transfer.rename({"score": "impact"}).drop("metric", "encoder").with_columns(layer=pl.lit(1))
    found = answer(ask(outcome="impact"), observed._replace(impact=impact))
    (first, _) = correlation_tables(found)
    assert "MRQAP and the mixed model, which control for pretraining, are in --format csv" in first.footnotes


@pytest.mark.parametrize(
    ("encoder", "said"),
    [
        (
            MBERT,
            f"small: of 12 languages {MBERT} is known to have read 12, and how much of 0, .*; leave the control out",
        ),
        ("mini", "mini is known to have read 12, and how much of 0, where at least 5 are needed; .* --encoder"),
        ("somebody/encoder", "of 12 languages somebody/encoder is known to have read 0, and how much of 0"),
        (None, "small: it does not say with which encoder the runs were made, .*name one with --encoder NAME"),
    ],
)
def test_what_is_not_known_is_refused_in_one_line(encoder: str | None, said: str) -> None:
    """Red when a size is taken from elsewhere without being asked for."""
    with pytest.raises(Mistakes, match=said) as caught:
        answer(ask(), frames(encoder=encoder))
    assert len(str(caught.value).splitlines()) == 1
    assert set(answer(ask(encoder=XLMR), frames(encoder=encoder))["sizes_of"]) == {XLMR}


def test_frames_are_kept_with_their_encoder_and_old_ones_are_read(tmp_path: Path) -> None:
    """Red when an old frame cannot be read, or is not written again as it was."""
    for encoder in (XLMR, None):
        frames(encoder=encoder).write(tmp_path)
        kept = tmp_path / "small.transfer.csv"
        first = kept.read_bytes()
        again = TransferFrames.read(kept)
        assert again.encoder("v") == (encoder or "")
        assert (b"encoder" in first) == (encoder is not None)
        again.write(tmp_path)
        assert kept.read_bytes() == first
    several = frames(encoder=XLMR).transfer.with_columns(
        encoder=pl.when(pl.col("source") == "de").then(pl.lit("mini")).otherwise(pl.col("encoder"))
    )
    with pytest.raises(Mistakes, match="had several encoders: 'mini', 'xlm-roberta-base'"):
        frames()._replace(transfer=several).encoder("v")


def test_answers_are_kept_with_it_and_old_ones_are_read(found: pl.DataFrame, tmp_path: Path) -> None:
    write_frame(found, tmp_path / "new.answer.csv")
    write_frame(found.drop("encoder", "sizes_of"), tmp_path / "old.answer.csv")
    new, old = (read_answer(tmp_path / f"{name}.answer.csv") for name in ("new", "old"))
    assert set(new["sizes_of"]) == {XLMR}
    assert set(old["encoder"]) == set(old["sizes_of"]) == {""}
    assert new.columns == old.columns == found.columns


def test_sizes_are_logarithms_and_what_was_not_read_is_known() -> None:
    source, target = pretraining_sizes(XLMR, ("en", "sw", "yo", "de", "zh"), where="x")
    assert source.name == target.name == PRETRAINING
    assert source.values[:, 0].tolist() == target.values[0].tolist()
    np.testing.assert_allclose(target.values[3], np.log10([300.8, 1.6, 0.1, 66.6, 46.9]))  # yo: not read


def test_the_encoders_that_a_recipe_may_name_are_those_with_sizes() -> None:
    sized = [name for name in known_encoders() if any(reading(name, code).gibibytes for code in languages())]
    assert sorted(SIZED_ENCODERS) == sorted(sized)


def test_a_recipe_asks_with_the_control(tmp_path: Path, found: pl.DataFrame) -> None:
    file = tmp_path / "asks.toml"
    keys = 'name = "correlate"\ndraws = 99\nkinds = ["genetic", "syntactic"]\ncontrols = ["pretraining"]'
    file.write_text(f'extends = "philippy2023-figure3"\nname = "asks"\n[[analyses]]\n{keys}\n', encoding="utf-8")
    (question,) = load_recipe(file).analyses
    assert answer(question, frames(encoder=XLMR)).equals(found)


def test_the_printed_matrix_with_sizes_in_place_of_mberts() -> None:
    """What docs/statistics.md says of it. Red when the kept frame is of other sizes, or two-way ones differ."""
    kept = pl.read_csv(Path(__file__).parents[2] / "docs" / "statistics" / "philippy2023-table1-pretraining.csv")
    without = pl.read_csv(Path(__file__).parents[2] / "docs" / "statistics" / "philippy2023-table1.csv")
    now = controlled(draws=19)
    on = ["explanatory", "with_same_language", "test", "coefficient"]
    both = now.join(kept, on=on, suffix="_kept", validate="1:1")
    assert both.height == kept.height == now.height
    np.testing.assert_allclose(both["value"], both["value_kept"], atol=1e-4)  # an optimum
    before = kept.join(without, on=on, suffix="_without", validate="1:1")
    same = before.filter(coefficient="two-way partial")
    assert same["value"].equals(same["value_without"])
    assert same["p"].equals(same["p_without"])
    row = before.filter(explanatory="GEO", coefficient="partial", with_same_language=False).row(0, named=True)
    assert (round(row["value_without"], 2), round(row["value"], 2)) == (-0.31, -0.05)
    assert DEFAULT not in set(kept["test"])


def test_covariates_alone_change_nothing_for_a_test_without_controls() -> None:
    x, y = (Matrix(name, CODES, np.random.default_rng(1).normal(size=(12, 12))) for name in ("x", "y"))
    few = dict(list(SIZES.items())[:6])
    found = relate(y, x, covariates=[of_target("size", few)], key=Key(0), tests=["naive", "mixed model"], draws=9)
    assert dict(found.group_by("test").agg(pl.col("languages").first()).iter_rows()) == {"naive": 12, "mixed model": 6}
