"""Faults that are planted into real rows are found, and nothing is said of rows without them."""

from __future__ import annotations

import numpy as np
import pytest

from doctor.conftest import (
    LANGUAGES,
    TOPICS,
    column,
    exchanged,
    permuted,
    pick,
    replaced,
    sample,
    with_labels,
    with_rows,
    with_texts,
)
from isogloss.doctor import duplicates, encoding, identity, intervals, labels, parallel, suspects
from isogloss.doctor.columns import Column
from isogloss.doctor.examination import Examination, Finding
from isogloss.doctor.exchanged import Readers


def warned(examination: Examination) -> list[Finding]:
    return [finding for finding in examination.findings if finding.severity != "note"]


def test_nothing_is_said_of_clean_rows(clean: list[Column]) -> None:
    for check in (identity, encoding, duplicates, labels):
        assert warned(check.examine(clean)) == [], check.__name__
    assert parallel.examine(clean).findings == parallel.examine_groups(clean).findings == ()
    assert encoding.examine(clean).findings == ()


def test_rows_in_another_language_are_found(clean: list[Column]) -> None:
    """Red when the identifier's own language, or the usual share, is not asked for."""
    planted = with_rows(pick(clean, "en", "validation"), pick(clean, "sw", "test"), 20)
    (found,) = warned(identity.examine(replaced(clean, planted)))
    assert (found.where, found.severity) == ("topics en validation", "warning")
    assert "in Swahili, not English" in found.what
    assert found.count is not None
    assert found.count >= 18
    assert all(place.startswith("added:") for place in found.rows)


def test_rows_in_another_script_are_found(clean: list[Column]) -> None:
    planted = with_rows(pick(clean, "fi", "test"), pick(clean, "el", "validation"), 20)
    (found,) = warned(identity.examine(replaced(clean, planted)))
    assert found.where == "topics fi test"
    assert "in Greek, not Finnish" in found.what


def test_a_column_in_another_language_is_found_as_a_whole(clean: list[Column]) -> None:
    planted = with_texts(pick(clean, "es", "test"), pick(clean, "fr", "test").texts)
    (found,) = warned(identity.examine(replaced(clean, planted)))
    assert found.where == "topics es test"
    assert "reads as French, not Spanish" in found.what
    assert found.count == len(planted.rows)


def test_without_the_identifier_scripts_are_looked_at(clean: list[Column], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "missing", lambda *names: names)
    said = identity.examine(replaced(clean, with_rows(pick(clean, "fi", "test"), pick(clean, "el", "test"), 20)))
    (found,) = warned(said)
    assert "in Greek letters, not Finnish" in found.what
    assert 'pip install "isogloss[doctor]"' in said.looked


@pytest.mark.parametrize("read_as", ["latin-1", "cp1252"])
@pytest.mark.parametrize("language", ["de", "el", "tr"])
def test_utf_8_that_was_read_as_something_else_is_found(clean: list[Column], language: str, read_as: str) -> None:
    before = pick(clean, language, "test")
    broken = with_texts(before, [text.encode().decode(read_as, "replace") for text in before.texts])
    (found,) = warned(encoding.examine(replaced(clean, broken)))
    assert (found.where, found.severity) == (f"topics {language} test", "warning")
    odd = sum(not text.isascii() for text in before.texts)
    assert found.count is not None
    assert 0.95 * odd <= found.count <= odd


@pytest.mark.parametrize(("language", "written"), [("el", "iso8859-7"), ("el", "cp1253")])
def test_an_older_encoding_is_named(clean: list[Column], language: str, written: str) -> None:
    before = pick(clean, language, "test")
    broken = with_texts(before, [text.encode(written, "ignore").decode("latin-1") for text in before.texts])
    found = [one for one in warned(encoding.examine([broken])) if "make sense as" in one.what]
    assert len(found) == 1
    named = found[0].what.split("make sense as ")[1].split()[0]
    assert broken.texts[0].encode("latin-1").decode(named) == broken.texts[0].encode("latin-1").decode(written)


def test_of_an_older_encoding_nothing_else_is_told() -> None:
    """Some rows of KOI8-R happen to be UTF-8 that was read as Latin-1."""
    before = column("ru", "test", "tested")
    letters = [text.encode("koi8-r", "ignore").decode("latin-1") for text in before.texts]
    (found,) = encoding.examine([with_texts(before, letters)]).findings
    assert "koi8-r" in found.what


def test_nothing_is_said_of_the_language_of_letters_that_are_wrong(clean: list[Column]) -> None:
    before = pick(clean, "el", "test")
    broken = replaced(clean, with_texts(before, [text.encode().decode("latin-1") for text in before.texts]))
    assert warned(identity.examine(broken)) != []
    said = identity.examine(broken, encoding.garbled(encoding.examine(broken), broken))
    assert warned(said) == []
    assert "not topics el test, whose encoding is wrong" in said.looked


def test_letters_that_were_lost_are_found(clean: list[Column]) -> None:
    before = pick(clean, "fr", "test")
    lost = [text.encode("latin-1", "ignore").decode("utf-8", "replace") for text in before.texts]
    (found,) = warned(encoding.examine([with_texts(before, lost)]))
    assert "letters which were lost" in found.what
    assert found.count == sum("\ufffd" in text for text in lost)


def test_duplicates_across_splits_are_found(clean: list[Column]) -> None:
    tested = pick(clean, "fi", "test")
    long = sorted(range(len(tested.rows)), key=lambda row: -len(tested.texts[row]))[:10]
    copies = with_texts(tested, [f"{tested.texts[row].upper()}!" for row in long])
    planted = with_rows(pick(clean, "fi", "validation"), copies, 10)
    before = [one for one in duplicates.examine(clean).findings if one.where == "topics fi test"]
    found = [one for one in duplicates.examine(replaced(clean, planted)).findings if one.where == "topics fi test"]
    exact = {"word for word" in one.what: one for one in found}[True]
    assert exact.severity == "warning"
    assert exact.count == 10 + sum(one.count or 0 for one in before if "word for word" in one.what)


def test_near_duplicates_are_those_of_every_pair() -> None:
    """Prefixes leave nothing out: red when they are one gram shorter, or made of the most frequent grams."""
    generator = np.random.default_rng(0)
    letters = np.array(list("abcde "))
    others = ["".join(generator.choice(letters, 60)) for _ in range(60)]
    texts = []
    for text in others:
        changed = list(text)
        for place in generator.choice(60, generator.integers(0, 3), replace=False):
            changed[place] = "x"
        texts.append("".join(changed) + "y" * int(generator.integers(0, 4)))

    def alike(one: str, other: str) -> float:
        first, second = ({text[at : at + 5] for at in range(len(text) - 4)} for text in (one, other))
        return len(first & second) / len(first | second)

    expected = [row for row, text in enumerate(texts) if any(alike(text, other) >= duplicates.NEAR for other in others)]
    assert 5 < len(expected) < 55
    assert duplicates.near_duplicates(texts, others) == expected


def test_a_text_that_goes_on_is_nearly_the_same_up_to_a_tenth() -> None:
    """All grams that are left over are rare: red when prefixes are one gram shorter."""
    text = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLM"
    assert len(text) == 49
    assert duplicates.near_duplicates([f"{text}NOPQR"], [text]) == [0]
    assert duplicates.near_duplicates([f"{text}NOPQRS"], [text]) == []


def test_labels_that_translations_contradict_are_found(clean: list[Column]) -> None:
    """All of 3 %, and none besides."""
    planted, rows = permuted(pick(clean, "fr", "validation"), 0.03)
    (found,) = parallel.examine(replaced(clean, planted)).findings
    assert (found.where, found.count, found.severity) == ("topics fr validation", len(rows), "warning")
    assert found.rows == tuple(f"fr-validation:{row}" for row in rows[:5])


def test_exchanged_names_are_told_apart_from_other_mistakes(clean: list[Column]) -> None:
    planted = exchanged(pick(clean, "es", "validation"), "music", "news")
    (found,) = parallel.examine(replaced(clean, planted)).findings
    assert '"music" and "news" are exchanged' in found.what
    assert found.count == sum(topic in ("music", "news") for topic in (TOPICS[k] for k in planted.labels))
    both = with_labels(planted, permuted(planted, 0.03)[0].labels)
    kinds = [("exchanged" in one.what) for one in parallel.examine(replaced(clean, both)).findings]
    assert kinds == [True, False]


def test_a_name_that_takes_the_place_of_another_is_not_exchanged(clean: list[Column]) -> None:
    before = pick(clean, "es", "validation")
    music, news = TOPICS.index("music"), TOPICS.index("news")
    planted = with_labels(before, np.where(before.labels == music, news, before.labels))
    (found,) = parallel.examine(replaced(clean, planted)).findings
    assert "have another label than their translations" in found.what
    assert found.count == (before.labels == music).sum()


def test_of_two_languages_that_differ_both_are_told(clean: list[Column]) -> None:
    planted, rows = permuted(pick(clean, "fr", "test"), 0.03)
    found = parallel.examine([planted, pick(clean, "es", "test")]).findings
    assert [one.count for one in found] == [len(rows)] * 2
    assert all("nothing here tells which" in one.remedy for one in found)


def test_translations_of_test_rows_in_training_are_found(clean: list[Column]) -> None:
    leaked = column("de", "test", "trained")
    found = parallel.examine_groups([leaked, *[one for one in clean if one.where != leaked.where]]).findings
    assert {one.where for one in found} == {f"topics {language} test" for language in LANGUAGES if language != "de"}
    assert {one.count for one in found} == {len(leaked.rows)}


def test_labels_that_only_the_test_has_are_found(clean: list[Column]) -> None:
    few = [one if "tested" in one.roles else _without(one, "social") for one in clean]
    (found,) = warned(labels.examine(few))
    assert (found.where, "no row that is trained on has social" in found.what) == ("training", True)


def test_a_label_that_one_language_lacks_is_found(clean: list[Column]) -> None:
    planted = _without(pick(clean, "sw", "validation"), "calendar")
    (found,) = warned(labels.examine(replaced(clean, planted)))
    assert found.where == "language sw"
    assert "lack calendar, which other languages have often" in found.what


def _without(made: Column, topic: str) -> Column:
    kept = np.flatnonzero(made.labels != TOPICS.index(topic))
    rows = sample(made.language, made.split)
    from doctor.conftest import _taken

    return column(made.language, made.split, *made.roles, rows=_taken(rows, kept.tolist()))


@pytest.fixture(scope="module")
def apart() -> list[Column]:
    """Rows of four languages that share no id: nothing can be held against a translation."""
    return [column(language, "validation", "trained", parallel=False) for language in ("de", "en", "es", "fr")]


def test_permuted_labels_stand_out_where_nothing_is_parallel(apart: list[Column]) -> None:
    assert suspects.examine(apart, set()).findings == ()
    planted, rows = permuted(apart[3], 0.03)
    (found,) = suspects.examine([*apart[:3], planted], set()).findings
    assert found.where == "topics fr validation"
    hits = {f"fr-validation:{row}" for row in rows}
    assert len(hits & set(found.rows)) >= 4


def test_in_one_language_suspicious_rows_are_a_note(apart: list[Column]) -> None:
    """Nothing says what is usual, and the rows are still worth a look; of clean ones nothing is told."""
    assert suspects.examine(apart[3:], set()).findings == ()
    planted, rows = permuted(apart[3], 0.03)
    (found,) = suspects.examine([planted], set()).findings
    assert found.severity == "note"
    assert "with too few other languages to say whether that is usual" in found.what
    assert len({f"fr-validation:{row}" for row in rows} & set(found.rows)) >= 4


def test_leaving_a_row_out_is_what_fitting_without_it_gives() -> None:
    """Against ridge regression fitted anew without the row, on the features and targets of all."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    rows = sample("en", "test")
    texts, labels_ = [row[0] for row in rows.texts[:60]], rows.labels[:60]
    found = suspects.left_out(texts, labels_, len(TOPICS))
    features = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True).fit_transform(texts).toarray()
    one_hot = np.eye(len(TOPICS))[labels_]
    mean = one_hot.mean(axis=0)
    for row in (0, 17, 59):
        rest = np.arange(60) != row
        kernel = features[rest] @ features[rest].T + 0.3 * np.eye(59)
        weights = np.linalg.solve(kernel, one_hot[rest] - mean)
        assert found[row] == pytest.approx(features[row] @ features[rest].T @ weights + mean)


def test_exchanged_labels_are_read_off_the_other_languages() -> None:
    """Vectors whose direction is the label, with much noise: a pair is exchanged in the largest of four languages."""
    generator = np.random.default_rng(1)
    directions = generator.normal(size=(6, 24))
    sizes = {"de": 150, "en": 150, "es": 2000, "fr": 150}
    truth = {language: generator.integers(0, 6, size) for language, size in sizes.items()}
    vectors = {
        language: (directions[labels_] + generator.normal(size=(len(labels_), 24))).astype(np.float32)
        for language, labels_ in truth.items()
    }
    clean_readers = Readers(vectors, truth, 6)
    assert [pair for language in truth for pair in clean_readers.exchanged(language)] == []
    readers = Readers(vectors, {**truth, "es": np.choose(truth["es"], [0, 4, 2, 3, 1, 5])}, 6)
    ((first, second, count),) = readers.exchanged("es")
    assert (first, second) == (1, 4)
    assert 0.6 * (truth["es"] % 3 == 1).sum() < count <= (truth["es"] % 3 == 1).sum()


def test_where_half_of_the_languages_differ_nobody_is_said_to_be_wrong() -> None:
    generator = np.random.default_rng(2)
    directions = generator.normal(size=(4, 16))
    truth = {language: generator.integers(0, 4, 300) for language in ("de", "en", "es", "fr")}
    vectors = {
        language: (directions[own] + 0.5 * generator.normal(size=(300, 16))).astype(np.float32)
        for language, own in truth.items()
    }
    said = {language: own if language in ("de", "en") else (3 - own) for language, own in truth.items()}
    readers = Readers(vectors, said, 4)
    assert [pair for language in truth for pair in readers.exchanged(language)] == []


def test_intervals_are_wilsons_and_rows_make_them_as_narrow_as_said() -> None:
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(160, 200, method="wilson")
    assert intervals.half_width(0.8, 200) == pytest.approx(50 * (high - low))
    needed = intervals.rows_for(5, 0.8)
    assert intervals.half_width(0.8, needed) <= 5 < intervals.half_width(0.8, needed - 1)


def test_rows_of_a_group_count_once_in_the_wider_interval(clean: list[Column]) -> None:
    from dataclasses import replace

    tested = pick(clean, "en", "test")
    grouped = replace(tested, rows=replace(tested.rows, groups=np.arange(len(tested.rows)) // 3))
    (table,) = intervals.examine([grouped], None).tables
    _, _, rows, groups, points, clustered, more = (cell.value for cell in table.rows[0])
    assert (rows, groups) == (len(tested.rows), -(-len(tested.rows) // 3))
    assert points == pytest.approx(intervals.half_width(0.8, len(tested.rows)))
    assert clustered == pytest.approx(intervals.half_width(0.8, groups))
    assert more == max(0, intervals.rows_for(5, 0.8) - groups)
