"""Distances by the formula of URIEL+, against what urielplus prints and against vectors made up here."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from isogloss.analysis import uriel
from isogloss.analysis.typology import aggregate, angle, distances
from isogloss.analysis.uriel import KINDS, read_features
from isogloss.errors import Mistakes
from isogloss.languages import languages

# What `URIELPlus().new_distance(kind, [...])` of urielplus 1.3.2 returns for eng deu tha hin urd swh cmn arb, with the
# default settings and with set_aggregation("A") and set_distance_metric("cosine"); None is its -1.
PRINTED = {
    "syntactic": {"en-de": (0.3582, 0.1330), "en-th": (0.5325, 0.3289), "hi-ur": (0.2620, 0.0621)},
    "phonological": {"en-de": (0.3695, 0.1638), "sw-zh": (0.4816, 0.2727), "hi-ur": None, "ar-en": None},
    "inventory": {"en-de": (0.4364, 0.2238), "hi-ur": (0.3583, 0.1419), "sw-zh": (0.5855, 0.2873), "ar-en": None},
    "featural": {"en-de": (0.4033, 0.1879), "hi-ur": (0.3349, 0.1188), "ar-en": (0.5681, 0.3610)},
    "genetic": {"en-de": (0.6336, 0.4557), "en-th": (1.0, 1.0), "hi-ur": (0.0, 0.0)},
    "geographic": {"en-de": (0.0437, 0.0024), "en-th": (0.3501, 0.1475), "ar-en": (0.1832, 0.0411)},
}
SHOWN = ("en", "de", "th", "hi", "ur", "sw", "zh", "ar")


@pytest.mark.parametrize("kind", KINDS)
def test_values_are_those_of_urielplus(kind: str) -> None:
    default = distances(SHOWN, kind)
    other = distances(SHOWN, kind, aggregation="average", metric="cosine")
    for pair, printed in PRINTED[kind].items():
        cell = tuple(map(SHOWN.index, pair.split("-")))
        found = (default.values[cell], other.values[cell])
        assert found == pytest.approx(printed or (np.nan, np.nan), abs=6e-5, nan_ok=True), pair
    assert np.array_equal(default.values, default.values.T, equal_nan=True)
    assert default.settings == {"aggregation": "union", "missing": "pairwise", "metric": "angular"}
    assert default.source == f"urielplus {metadata.version('urielplus')}"


def test_what_is_missing_stays_missing_and_is_said() -> None:
    found = distances(("en", "ur", "ar", "et"), "phonological")
    assert found.without_data == ("ur", "ar", "et")
    assert np.isnan(found.values).sum() == 15
    assert found.values[0, 0] == 0
    assert found.coverage is not None
    assert found.coverage[0].tolist() == [25, 0, 0, 0]
    assert found.frame()["value"].null_count() == 15
    zero = distances(("en", "ur", "ar", "et"), "phonological", missing="zero")
    assert np.array_equal(np.isnan(zero.values), np.isnan(found.values))


def test_zero_takes_what_is_not_known_for_absent() -> None:
    """English and Urdu: 103 and 63 syntactic features known; the old formula has vectors of 103 for both."""
    known = {kind: distances(("en", "ur"), "syntactic", missing=kind) for kind in ("pairwise", "zero")}  # type: ignore[arg-type]
    values = aggregate(read_features(("eng", "urd"), "syntactic").values, "union")
    filled = np.nan_to_num(values)
    cosine = filled[0] @ filled[1] / np.linalg.norm(filled[0]) / np.linalg.norm(filled[1])
    assert known["zero"].values[0, 1] == pytest.approx(2 / np.pi * np.arccos(cosine), abs=1e-12)
    assert known["zero"].values[0, 1] > known["pairwise"].values[0, 1] + 0.01
    assert known["zero"].coverage is not None
    assert known["zero"].coverage[0, 1] == 63


def test_aggregation_of_sources() -> None:
    values = np.array([[[0.0, 1.0, np.nan], [np.nan, np.nan, np.nan]]])
    assert aggregate(values, "union")[0] == pytest.approx([1.0, np.nan], nan_ok=True)
    assert aggregate(values, "average")[0] == pytest.approx([0.5, np.nan], nan_ok=True)


def test_angle_by_hand() -> None:
    east, north = np.array([2.0, 0.0]), np.array([0.0, 0.1])
    assert angle(east, north) == pytest.approx(1.0, abs=1e-15)
    assert angle(east, np.array([1.0, 1.0])) == pytest.approx(0.5, abs=1e-15)
    assert angle(np.array([0.1, 0.7, 0.3]), np.array([0.1, 0.7, 0.3])) == 0
    tiny = np.array([1.0, 1e-9])  # arccos of its cosine, which rounds to 1, would be 0
    assert angle(np.array([1.0, 0.0]), tiny) == pytest.approx(2 / np.pi * 1e-9, rel=1e-3)  # rounded to 12 decimals
    assert np.isnan(angle(east, np.zeros(2)))


def test_equal_angles_tie_whatever_the_order_of_a_sum() -> None:
    """The last bit of a sum depends on the processor; the ranks of equal distances must not."""
    rng = np.random.default_rng(0)
    first, second = (rng.random((2, 60)) < 0.4) * 0.7
    orders = [rng.permutation(60) for _ in range(200)]
    assert len({angle(first[order], second[order]) for order in orders}) == 1


def test_kinds_hold_the_features_of_their_name() -> None:
    counts = {kind: len(read_features(("eng",), kind).names) for kind in KINDS}
    assert counts == {
        "syntactic": 103, "phonological": 28, "inventory": 158, "featural": 289, "genetic": 3718, "geographic": 299,
    }  # fmt: skip
    assert {name[:2] for name in read_features(("eng",), "phonological").names} == {"P_"}


def test_a_language_without_a_classified_ancestor_has_no_genetic_distance() -> None:
    found = distances(("fi", "et", "eu", "hu"), "genetic")
    assert found.without_data == ("et", "eu")
    assert 0 < found.values[0, 3] < 1


def test_every_language_of_the_table_is_in_the_arrays() -> None:
    found = distances(tuple(languages()), "geographic")
    assert found.without_data == ()
    assert not np.isnan(found.values).any()
    zh, hant = (found.languages.index(key) for key in ("zh", "zh-Hant"))
    assert found.values[zh, hant] == 0


@pytest.mark.parametrize(
    ("code", "instead"),
    [(code, keys) for code, keys in uriel._MEMBERS.items()],
)
def test_macrolanguages_are_refused_with_what_to_write(code: str, instead: tuple[str, ...]) -> None:
    with pytest.raises(Mistakes) as refused:
        distances(("en", code), "genetic")
    line = str(refused.value)
    assert line.startswith(f'languages: "{code}" is a macrolanguage')
    for key in instead:
        assert f'"{key}" ({languages()[key].name}, {languages()[key].iso639_3})' in line


def test_no_code_of_the_table_is_a_macrolanguage() -> None:
    table = languages()
    assert not {language.iso639_3 for language in table.values()} & uriel._MEMBERS.keys()
    named = {code: {key for key in table if code in table[key].also} for code in uriel._MEMBERS}
    assert [code for code, keys in named.items() if not keys <= set(uriel._MEMBERS[code])] == []
    assert uriel._MEMBERS["zho"] == ("zh", "zh-Hant")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"kind": "genetics"}, 'kind: no kind of distance is called "genetics"; did you mean "genetic"?'),
        ({"aggregation": "mean"}, 'aggregation: no aggregation is called "mean"; known: average, union'),
        ({"missing": "zeros"}, 'missing: no missing is called "zeros"; did you mean "zero"?'),
        ({"metric": "cos"}, 'metric: no metric is called "cos"; did you mean "cosine"?'),
        ({"languages": ("en", "en")}, 'languages: "en" is there twice; name it once'),
        ({"languages": ()}, "languages: no languages; name some, as en sw th"),
        ({"languages": ("en", "deu")}, 'languages: no language has the key "deu"; write "de" (German)'),
    ],
)
def test_mistakes_are_one_line(arguments: dict[str, object], line: str) -> None:
    with pytest.raises(Mistakes) as refused:
        distances(**({"languages": ("en", "de"), "kind": "genetic"} | arguments))  # type: ignore[arg-type]
    assert str(refused.value) == line


def test_without_urielplus_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Moved:
        version = "9.9"

        def locate_file(self, path: str) -> Path:
            return tmp_path / path

    def absent(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    for found, said in ((absent, "urielplus is not installed"), (lambda _: Moved(), "9.9 does not ship family")):
        monkeypatch.setattr(uriel, "distribution", found)
        with pytest.raises(Mistakes, match=said) as refused:
            distances(("en", "de"), "genetic")
        assert str(refused.value).endswith("pip install 'isogloss[analysis]'")


def test_the_package_itself_is_not_imported() -> None:
    code = (
        "import sys; from isogloss.analysis.typology import distances; distances(('en', 'de'), 'genetic'); "
        "print([name for name in ('urielplus', 'pandas', 'torch') if name in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
