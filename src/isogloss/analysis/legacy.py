"""The distances that lang2vec served, made again by the rules that stored values of them follow.

Published work on transfer used these. Neither lang2vec's last release on PyPI nor its repository holds them; the rules
were read off values of them that are stored elsewhere (the data files of NLPerf, Xia et al. 2020), and checked against
the correlations that Philippy et al. (2023, table 1) print, which come out to the fourth decimal. Each rule:

- syntactic, phonological, inventory: (2/π) arccos(cos) between vectors that are the union over sources, with 0 for
  what is not known. Syntax has 98 of the 103 features. A language of which nothing is known is a constant vector.
- genetic: 1 − shared / (n + 1), where n is the number of ancestors of the language that stands first in
  lang2vec's `distances_languages.txt`, whichever is asked for first.
- geographic: great circle over half the circumference: the largest difference of nearness to any point.
- All are rounded to four decimals, then syntax to two and geography to one.
- Codes are those that lang2vec's `letter_codes.json` gives: `ara`, `swa`, `zho` … for ar, sw, zh. They have no data in
  the distances, so that their genetic and geographic distances are 1 to everything, and the others artefacts.

Of 225 cells between the 15 languages of XNLI, all agree for each kind, with two corrections to today's arrays, which
are named below (`_UVULARS`, `_ANCESTORS`). For other languages the same rules are applied; no stored value of them was
at hand to check. How the featural distance was made is not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from isogloss.analysis.matrix import DistanceMatrix, checked
from isogloss.analysis.typology import aggregate, angle
from isogloss.analysis.uriel import Features, read_features, refuse_macrolanguages
from isogloss.errors import mistake, nearest
from isogloss.languages import languages as table
from isogloss.recipe.analysis import DISTANCE_KINDS

LEGACY_KINDS = DISTANCE_KINDS["uriel-legacy"]

# What `letter_codes.json` of lang2vec 1.1.2 has for our keys, where it is not the code of our table. zh-Hant has no
# two-letter code: it is read as zh.
_CODES = {
    "ar": "ara",
    "az": "aze",
    "et": "est",
    "fa": "fas",
    "lv": "lav",
    "mn": "mon",
    "ms": "msa",
    "ne": "nep",
    "or": "ori",
    "qu": "que",
    "sq": "sqi",
    "sw": "swa",
    "uz": "uzb",
    "zh": "zho",
    "zh-Hant": "zho",
}
# The order of lang2vec's `distances_languages.txt`, of those codes alone.
# fmt: off
_ORDER = (
    "quy", "amh", "ben", "bul", "deu", "ell", "eng", "eus", "fin", "fra", "gle", "hau", "heb", "hin", "hun", "hye",
    "ibo", "isl", "jav", "jpn", "kat", "khm", "kor", "lit", "mya", "nob", "pan", "por", "ron", "rus", "sin", "som",
    "spa", "tel", "tgl", "tha", "tur", "vie", "wol", "zul", "cat", "ces", "hrv", "ind", "ita", "kin", "nld", "pol",
    "slv", "sna", "swe", "tam", "ukr", "afr", "xho", "guj", "kan", "mal", "mar", "nep", "ori", "urd", "dan", "est",
    "hat", "kaz", "lav", "srp", "slk", "uig", "cym", "yor", "ara", "aze", "fas", "mon", "msa", "que", "sqi", "swa",
    "uzb", "zho",
)
# fmt: on
# Codes without data in the distances, though today's arrays have rows for them. Stored values show it for ara and zho,
# and table 1 of Philippy et al. for swa; the others stand with these in the last part of the file, among codes of
# groups and withdrawn codes, and are taken to be like them.
_WITHOUT_DATA = frozenset({"ara", "aze", "fas", "mon", "msa", "que", "sqi", "swa", "uzb", "zho"})
_LEFT_OUT = frozenset({"S_VOX", "S_XVO", "S_XOV", "S_OXV", "S_OVX"})
# Corrections: stored values follow from these and not from today's arrays, which say 1 and 12.
_UVULARS = ("P_UVULARS", frozenset({"deu", "fra"}), 0.0)
_ANCESTORS = {"fra": 15}
# Between two languages of which nothing is known, as stored (ara, zho): rounding noise of arccos in float32.
_BOTH_UNKNOWN = {"syntactic": 0.0002, "phonological": 0.0002, "inventory": 0.0}
_DECIMALS = {"syntactic": 2, "geographic": 1}
_METRICS = {"genetic": "ancestors not shared", "geographic": "great circle / half circumference"}


def legacy_distances(languages: Sequence[str], kind: str) -> DistanceMatrix:
    """Return the distances of one kind as lang2vec served them.

    There is a number in every cell, as there was; `without_data` names the languages whose numbers are artefacts.

    Args:
        languages: keys of our table.
        kind: one of `LEGACY_KINDS`.

    Raises:
        Mistakes: a language or kind is unknown, or `urielplus`, whose arrays it is made from, is not installed.
    """
    if kind not in LEGACY_KINDS:
        remedy = nearest(kind, LEGACY_KINDS)
        raise mistake(f'lang2vec\'s "{kind}" distances are not known', where="uriel-legacy", remedy=remedy)
    refuse_macrolanguages(languages)
    keys = checked(languages)
    codes = [_CODES.get(key, table()[key].iso639_3) for key in keys]
    features = read_features(codes, kind)
    vectors = _vectors(features)
    unknown = np.array([code in _WITHOUT_DATA for code in codes])
    if kind not in _METRICS:
        unknown |= ~vectors.any(axis=1)
        vectors[unknown] = 1.0  # any constant: only its direction counts
    raw = _raw(codes, vectors, unknown, kind)
    lacking = tuple(key for key, without in zip(keys, unknown, strict=True) if without)
    return DistanceMatrix(
        kind=kind,
        languages=keys,
        values=raw.round(4).round(_DECIMALS.get(kind, 4)),
        settings=_settings(kind),
        source=f"uriel-legacy, from the arrays of {features.source}",
        without_data=lacking,
        notes=("lang2vec gave numbers for these all the same: they are artefacts",) if lacking else (),
    )


def _settings(kind: str) -> dict[str, str]:
    return {
        "aggregation": "union",
        "missing": "zero",
        "metric": _METRICS.get(kind, "angular"),
        "decimals": str(_DECIMALS.get(kind, 4)),
    }


def _vectors(features: Features) -> NDArray[np.float64]:
    """Return the vectors [n, F] that the distances were made from: 0 for what is not known."""
    vectors = np.nan_to_num(aggregate(features.values, "union"))
    name, codes, value = _UVULARS
    for row, code in enumerate(features.codes):
        if code in codes and name in features.names:
            vectors[row, features.names.index(name)] = value
    return vectors[:, [name not in _LEFT_OUT for name in features.names]]


def _raw(
    codes: Sequence[str], vectors: NDArray[np.float64], unknown: NDArray[np.bool_], kind: str
) -> NDArray[np.float64]:
    """Return the distances before rounding, [n, n]."""
    n = len(codes)
    found = np.zeros((n, n))
    for i, j in product(range(n), repeat=2):
        if codes[i] == codes[j]:
            continue
        if kind not in _METRICS:
            found[i, j] = _BOTH_UNKNOWN[kind] if unknown[i] and unknown[j] else angle(vectors[i], vectors[j])
        elif unknown[i] or unknown[j]:
            found[i, j] = 1.0
        else:
            first, second = sorted((i, j), key=lambda row: _ORDER.index(codes[row]))
            apart = _genetic if kind == "genetic" else _geographic
            found[i, j] = apart(codes[first], vectors[first], vectors[second])
    return found


def _genetic(code: str, first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    ancestors = _ANCESTORS.get(code, int(first.sum()))
    return 1 - float(first @ second) / (ancestors + 1)


def _geographic(_code: str, first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    return float(np.abs(first - second).max())
