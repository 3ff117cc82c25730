"""Scores of answers: exact match and F1 against the best of several gold answers, under a named rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isogloss.errors import mistake
from isogloss.kinds.answer_rules import Rule


class AnswerScores(NamedTuple):
    """The scores of N questions, as shares from 0 to 1: a table shows 100 times their means.

    Attributes:
        exact: 1 where a gold answer has the same tokens in the same order, otherwise 0, float64 [N].
        f1: the greatest F1 over the gold answers, float64 [N].
    """

    exact: NDArray[np.float64]
    f1: NDArray[np.float64]


def score(predictions: Sequence[str | None], golds: Sequence[Sequence[str]], rule: Rule, language: str) -> AnswerScores:
    """Score the answers to N questions whose contexts are in one language.

    As SQuAD 1.1 and MLQA have it: the rule brings each text to tokens; F1 is the harmonic mean of precision and
    recall of the two bags of tokens, multiplicities counted, and 0 where they share nothing. Two answers that have
    no token, such as "the" and "", therefore match exactly with an F1 of 0; SQuAD 2.0 gives them 1. A missing
    prediction scores 0 and counts like any other.

    Args:
        predictions: one answer a question, [N]; None is a missing one.
        golds: the gold answers of each question, [N], at least one each.
        rule: one of `isogloss.kinds.answer_rules.RULES`; scores under different rules are not to be compared.
        language: the BCP-47 key of the contexts, not of the questions.

    Raises:
        Mistakes: the rule does not know the language, or a question has no gold answer.
        ValueError: predictions and gold answers differ in number.
    """
    rule.check(language)
    tokens = cache(lambda text: tuple(rule.tokens(text, language)))  # gold answers repeat, within and between questions
    scores = np.zeros((len(golds), 2))
    for number, (prediction, answers) in enumerate(zip(predictions, golds, strict=True)):
        if not answers:
            raise mistake(
                f"question {number + 1} of {len(golds)} has no gold answer",
                where=language,
                remedy="give at least one, or leave the question out",
            )
        if prediction is not None:
            scores[number] = _best(tokens(prediction), {tokens(answer) for answer in answers})
    return AnswerScores(exact=scores[:, 0], f1=scores[:, 1])


def exact(prediction: str | None, golds: Sequence[str], rule: Rule, language: str) -> bool:
    """Return whether one answer matches a gold answer exactly; arguments and errors are those of `score`."""
    return bool(score([prediction], [golds], rule, language).exact[0])


def f1(prediction: str | None, golds: Sequence[str], rule: Rule, language: str) -> float:
    """Return the F1 of one answer, 0 to 1; arguments and errors are those of `score`."""
    return float(score([prediction], [golds], rule, language).f1[0])


def _best(prediction: tuple[str, ...], golds: set[tuple[str, ...]]) -> tuple[float, float]:
    """Return exact match and the greatest F1 of one question."""
    if prediction in golds:
        return 1.0, float(bool(prediction))  # no other gold answer can be better
    bag = Counter(prediction)
    return 0.0, max(_f1(bag, Counter(gold)) for gold in golds)


def _f1(prediction: Counter[str], gold: Counter[str]) -> float:
    shared = (prediction & gold).total()
    return 2 * shared / (prediction.total() + gold.total()) if shared else 0.0
