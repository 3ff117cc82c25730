"""TF-IDF of sub-words with logistic regression: what words alone tell, without a pre-trained encoder."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from isogloss.simple.base import Scores, States, labels_of, logistic_regression, widened

if TYPE_CHECKING:
    from isogloss.data.bag import Bag


class Tfidf:
    """Logistic regression on the TF-IDF of one and two sub-words in a row.

    The sub-words are those of the recipe's tokenizer, so that scripts without spaces need no other rule. What two
    languages share are the sub-words that both have: names, numbers, loan words.
    """

    version = 1

    def fit(self, bags: Sequence[Bag], states: States) -> Scores:  # noqa: ARG002 -- the protocol's
        """Learn vocabulary, document frequencies and weights from the training rows."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectorizer = TfidfVectorizer(analyzer=_pieces, sublinear_tf=True)
        texts = [tokens for bag in bags for tokens in _tokens(bag)]
        regression = logistic_regression(vectorizer.fit_transform(texts), labels_of(bags))
        size = len(bags[0].labels)

        def score(bag: Bag) -> NDArray[np.float32]:
            return widened(regression(vectorizer.transform(_tokens(bag))), size)

        return score


def _tokens(bag: Bag) -> list[NDArray[Any]]:
    """Return each example's tokens; every one has the special ones, which thus tell nothing."""
    ids = bag.columns.inputs["input_ids"]
    offsets = bag.columns.offsets
    windows = bag.columns.windows[bag.rows]
    return [np.asarray(ids[offsets[window] : offsets[window + 1]]) for window in windows]


def _pieces(tokens: NDArray[Any]) -> list[str]:
    one = [str(token) for token in tokens]
    return one + [f"{first} {second}" for first, second in pairwise(one)]
