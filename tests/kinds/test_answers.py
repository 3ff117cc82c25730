"""Scores of answers: a table worked out by hand, SQuAD's metric of torchmetrics, and what must always hold.

`answers.tsv` has one case a line: language, rule, prediction and gold answers as JSON, exact match, F1 as a fraction,
and why. Its expected values were derived from the rules' descriptions, never from what the code returned.
"""

from __future__ import annotations

import json
import string
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from torchmetrics.functional.text import squad

from isogloss.errors import Mistakes
from isogloss.kinds.answer_rules import RULES, Rule
from isogloss.kinds.answers import exact, f1, score

MLQA = ("ar", "de", "en", "es", "hi", "vi", "zh")
PIECES = {
    "squad": ["a", "an", "the", "The", "A", "cat", "Cat's", "théâtre", "the-cat", "1,000", "$", "“", "–", "İ", "_"],
    "mlqa": [
        "el",
        "die",
        "của",
        "ال",
        "كتاب",
        "المال",
        "北京",
        "。",
        "दिल्ली",
        "।",
        "Việt",
        "¿",
        "7",
        "iPhone",
        "\u200f",
    ],
    "generic": [
        "กรุงเทพ",
        "น้ำ",
        "๒๕",
        "ភ្នំ",
        "東京タ",
        "か\u3099",
        "서울",
        "Straße",
        "İ",
        "፡",
        "\u200b",
        "ल\u095cका",
        "་",
        "e-\u0301",
    ],
}
UNSPACED = (
    *("AHOM", "BOPOMOFO", "HIRAGANA", "HENTAIGANA", "KATAKANA", "KHMER", "LAO", "MYANMAR", "NEW TAI LUE", "TAI LE"),
    *(
        "TAI THAM",
        "TAI VIET",
        "THAI",
        "TIBETAN",
        "HALFWIDTH KATAKANA",
        "CJK",
        "IDEOGRAPHIC",
        "VERTICAL KANA",
        "VERTICAL IDEOGRAPHIC",
        "MASU",
    ),
)
LANGUAGES = {"squad": ("en", "th"), "mlqa": MLQA, "generic": ("en", "th", "tr")}
GAPS = [*[" "] * 40, "", "  ", "\u00a0", "\u3000", "\t", ". ", *string.punctuation]


class Case(NamedTuple):
    language: str
    rule: str
    prediction: str | None
    golds: list[str]
    exact: int
    f1: Fraction
    why: str


def cases() -> Iterator[Case]:
    _header, *lines = Path(__file__).with_name("answers.tsv").read_text(encoding="utf-8").splitlines()
    for line in lines:
        language, rule, prediction, golds, match, overlap, why = line.split("\t")
        yield Case(language, rule, json.loads(prediction), json.loads(golds), int(match), Fraction(overlap), why)


CASES = list(cases())


def texts(rule: str, count: int, seed: int) -> list[str]:
    """Random texts of 0 to 6 pieces with whitespace, punctuation or nothing between them."""
    generator = np.random.default_rng(seed)
    pieces = [*PIECES["squad"], *PIECES[rule]]
    return [
        "".join(piece + gap for piece, gap in zip(generator.choice(pieces, n), generator.choice(GAPS, n), strict=True))
        for n in generator.integers(0, 7, count)
    ]


@pytest.mark.parametrize(
    "case", CASES, ids=[f"line {line}: {case.rule}, {case.language}" for line, case in enumerate(CASES, 2)]
)
def test_the_table_worked_out_by_hand(case: Case) -> None:
    rule = RULES[case.rule]
    assert exact(case.prediction, case.golds, rule, case.language) is bool(case.exact)
    assert f1(case.prediction, case.golds, rule, case.language) == pytest.approx(float(case.f1), abs=1e-12)


def test_the_table_covers_every_language_of_mlqa_and_the_scripts_without_spaces() -> None:
    rows = Counter((case.rule, case.language) for case in CASES)
    assert len(CASES) == len(set(map(str, CASES))) >= 60
    assert min(rows["mlqa", language] for language in MLQA) >= 8
    assert rows["generic", "th"] >= 8
    assert {language for rule, language in rows if rule == "generic"} >= {"th", "lo", "km", "my", "bo", "ja", "zh"}


def test_many_questions_score_as_each_alone() -> None:
    for (rule, language), group in groupby(CASES, key=lambda case: (case.rule, case.language)):
        rows = list(group)
        found = score([row.prediction for row in rows], [row.golds for row in rows], RULES[rule], language)
        assert found.exact.dtype == found.f1.dtype == np.float64
        np.testing.assert_array_equal(found.exact, [row.exact for row in rows])
        np.testing.assert_allclose(found.f1, [float(row.f1) for row in rows], rtol=0, atol=1e-12)


def test_no_question_has_no_scores() -> None:
    found = score([], [], RULES["squad"], "en")
    assert found.exact.shape == found.f1.shape == (0,)


def test_squad_is_the_metric_of_torchmetrics() -> None:
    """But for F1 between two answers without a token, which torchmetrics takes from SQuAD 2.0."""
    golds = list(zip(texts("squad", 1200, 1), texts("squad", 1200, 2), strict=True))
    predictions = [
        *texts("squad", 400, 0),
        *(f"{first.upper()} the" for first, _ in golds[400:800]),
        *(f"{first} the {second}" for first, second in golds[800:]),
    ]
    found = score(predictions, golds, RULES["squad"], "en")
    full = np.array([bool(RULES["squad"].tokens(text, "en")) for text in predictions])
    given = [{"id": str(number), "prediction_text": text} for number, text in enumerate(predictions)]
    wanted = [
        {"id": str(number), "answers": {"text": list(answers), "answer_start": [0, 0]}}
        for number, answers in enumerate(golds)
    ]
    theirs = [squad([prediction], [target]) for prediction, target in zip(given, wanted, strict=True)]
    np.testing.assert_array_equal(100 * found.exact, [float(each["exact_match"]) for each in theirs])
    np.testing.assert_allclose(100 * found.f1[full], np.array([float(each["f1"]) for each in theirs])[full], atol=1e-4)
    assert 100 * found.exact.mean() == pytest.approx(float(squad(given, wanted)["exact_match"]), abs=1e-3)
    np.testing.assert_array_equal(found.f1[~full], 0)
    assert np.sum((found.f1 > 0) & (found.f1 < 1)) > 200
    assert found.exact[~full].sum() > 20


@pytest.mark.parametrize(("rule", "language"), [(rule, language) for rule in RULES for language in LANGUAGES[rule]])
def test_what_holds_for_every_rule(rule: str, language: str) -> None:
    drawn = texts(rule, 400, 3)
    pairs = [*zip(drawn, texts(rule, 400, 4), strict=True), *((text, f" {text.upper()}!") for text in drawn)]
    left, right = [a for a, _ in pairs], [b for _, b in pairs]
    there = score(left, [[b] for b in right], RULES[rule], language)
    back = score(right, [[a] for a in left], RULES[rule], language)
    np.testing.assert_array_equal(there, back)
    assert 0 <= there.f1.min() < 0.5 < there.f1.max() == 1
    full = np.array([bool(RULES[rule].tokens(text, language)) for text in left])
    match = there.exact == 1
    np.testing.assert_array_equal(there.f1[match], full[match])
    assert match[full].any()
    assert not match[full].all()


@pytest.mark.parametrize("rule", RULES)
def test_gold_answers_have_no_order_and_more_of_them_never_hurt(rule: str) -> None:
    predictions, *answers = (texts(rule, 300, seed) for seed in (5, 6, 7, 5))
    golds = list(zip(*answers, strict=True))
    language = LANGUAGES[rule][0]
    forth = score(predictions, golds, RULES[rule], language)
    np.testing.assert_array_equal(forth, score(predictions, [each[::-1] for each in golds], RULES[rule], language))
    assert forth.exact.all()
    alone = [score(predictions, [[answer] for answer in each], RULES[rule], language) for each in answers]
    np.testing.assert_array_equal(forth, np.max(alone, axis=0))


@pytest.mark.parametrize(("rule", "language"), [(rule, language) for rule in RULES for language in LANGUAGES[rule]])
def test_a_normalised_text_is_its_tokens_and_stays_as_it_is(rule: str, language: str) -> None:
    for text in texts(rule, 300, 8):
        tokens = RULES[rule].tokens(text, language)
        normalised = RULES[rule].normalise(text, language)
        assert normalised.split() == normalised.split(" " if normalised else None) == tokens
        assert RULES[rule].normalise(normalised, language) == normalised, text


def test_generic_sees_no_difference_between_canonical_forms() -> None:
    rule = RULES["generic"]
    for text in [*texts("generic", 300, 9), *(text for case in CASES for text in case.golds)]:
        forms = {rule.normalise(unicodedata.normalize(form, text), "th") for form in ("NFC", "NFD")}
        assert len(forms) == 1, text


def test_generic_loses_no_letter() -> None:
    for text in texts("generic", 300, 10):
        kept = [char for char in unicodedata.normalize("NFD", text.casefold()) if char.isalnum()]
        joined = "".join(RULES["generic"].tokens(text, "en"))
        assert [char for char in unicodedata.normalize("NFD", joined) if char.isalnum()] == kept, text


def test_generic_parts_the_letters_of_exactly_the_scripts_without_spaces() -> None:
    """Every letter of Unicode, twice: the rule knows scripts by block, this test by the characters' names."""
    letters = [char for char in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(char)[0] == "L"]
    like_marks = set("\u0e33\u0eb3\uff9e\uff9f")
    expected = []
    for letter in letters:
        unspaced = unicodedata.name(letter, "").startswith(UNSPACED) and letter not in like_marks
        folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", letter * 2).casefold())
        expected += [folded[: len(folded) // 2]] * 2 if unspaced else [folded]
    assert RULES["generic"].tokens(" ".join(letter * 2 for letter in letters), "en") == expected


@pytest.mark.parametrize("language", ["th", "sw", "e", "zho"])
def test_mlqa_refuses_a_language_that_it_has_no_rules_for(language: str) -> None:
    with pytest.raises(Mistakes) as refused:
        score([None], [["x"]], RULES["mlqa"], language)
    message = str(refused.value)
    assert f'"{language}"' in message
    assert ", ".join(MLQA) in message
    assert '"generic"' in message
    assert "\n" not in message
    for call in (RULES["mlqa"].tokens, RULES["mlqa"].normalise):
        with pytest.raises(Mistakes):
            call("x", language)
    with pytest.raises(Mistakes, match=r"^tasks/mine.toml: "):
        RULES["mlqa"].check(language, where="tasks/mine.toml")


def test_the_other_rules_refuse_no_language() -> None:
    assert [name for name, rule in RULES.items() if rule.languages is None] == ["squad", "generic"]
    for name in ("squad", "generic"):
        RULES[name].check("sw")
        assert RULES[name].normalise("Habari!", "sw") == "habari"


def test_rules_are_found_under_their_own_names() -> None:
    assert {name: rule.name for name, rule in RULES.items()} == {name: name for name in ("squad", "mlqa", "generic")}


def test_a_question_without_gold_answers_is_refused() -> None:
    with pytest.raises(Mistakes, match=r"^de: question 2 of 2 has no gold answer; "):
        score(["x", None], [["x"], []], RULES["mlqa"], "de")


def test_predictions_and_gold_answers_are_of_one_number() -> None:
    for predictions in (["x"], ["x", "x", "x"]):
        with pytest.raises(ValueError, match="zip"):
            score(predictions, [["x"], ["y"]], RULES["squad"], "en")


def test_every_different_text_is_brought_to_tokens_once() -> None:
    asked: Counter[str] = Counter()

    def split(text: str, language: str) -> list[str]:
        asked[text] += 1
        return text.split()

    golds = [["x y", "x"], ["x", "x y"], ["x y", "x y", "z"]]
    score(["x y", "z", None], golds, Rule("counting", None, split), "en")
    assert asked == {"x y": 1, "x": 1, "z": 1}
