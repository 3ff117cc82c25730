"""What is known of a candidate and a target before anything is trained."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from isogloss.analysis.pretraining import reading
from isogloss.analysis.selection.overlap import NAME as OVERLAP
from isogloss.analysis.statistics.pairs import Bools, Floats, Matrix
from isogloss.analysis.typology import distances
from isogloss.languages import get

DISTANCES = ("genetic", "syntactic", "phonological", "inventory", "geographic")
SCRIPT, SIZE = "same script", "pre-training size"
NEAREST = ("genetic", "syntactic")
"""The distances whose mean ranks where nothing was measured (docs/auxiliary.md has the comparison)."""

SAID = (*NEAREST, SCRIPT, OVERLAP)
"""What is said of a pair where nothing was measured."""

_STAND_IN = "xlm-roberta-base"  # the only encoder of our table whose sizes were published


@dataclass(frozen=True, eq=False)
class Features:
    """Numbers of pairs of languages.

    Attributes:
        names: of the F features.
        candidates: C keys of languages.
        targets: T keys of languages.
        values: [C, T, F]; NaN where unknown. Distances as they are, script 0 or 1, overlap 0 to 1, size as the
            logarithm to base 10 of GiB.
        sizes_of: the encoder whose pre-training the sizes are, in words.
    """

    names: tuple[str, ...]
    candidates: tuple[str, ...]
    targets: tuple[str, ...]
    values: Floats
    sizes_of: str = ""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know: where sizes are from, and what is unknown."""
        sizes = [f"Pre-training size: {self.sizes_of}."] if SIZE in self.names else []
        return (*sizes, *_lacking(self))

    def take(self, candidates: Sequence[str], targets: Sequence[str]) -> Features:
        """Return the features of some pairs, in the order given."""
        rows = [self.candidates.index(code) for code in candidates]
        columns = [self.targets.index(code) for code in targets]
        values = self.values[np.ix_(rows, columns)]
        return replace(self, candidates=tuple(candidates), targets=tuple(targets), values=values)

    def only(self, names: Collection[str]) -> Features:
        """Return some of the features, in their order here."""
        kept = [i for i, known in enumerate(self.names) if known in names]
        return replace(self, names=tuple(self.names[i] for i in kept), values=self.values[:, :, kept])

    def of(self, name: str) -> Floats:
        """Return one feature, [C, T]."""
        return np.asarray(self.values[:, :, self.names.index(name)])


def pair_features(
    candidates: Sequence[str], targets: Sequence[str], *, encoder: str, overlap: Matrix | None = None
) -> Features:
    """Return the features of each candidate for each target.

    Args:
        candidates: keys of languages.
        targets: keys of languages; one may be a candidate, too.
        encoder: whose pre-training is asked, see `isogloss.analysis.pretraining`.
        overlap: of sub-words, see `isogloss.analysis.selection.overlap`; unknown for languages that it lacks. Without
            one there is no such feature.

    Raises:
        Mistakes: a language is unknown, or `urielplus`, which has the distances, is not installed.
    """
    codes = tuple(dict.fromkeys([*candidates, *targets]))
    rows, columns = ([codes.index(code) for code in side] for side in (candidates, targets))
    matrices = {kind: distances(codes, kind).values for kind in DISTANCES}
    scripts = [get(code).script for code in codes]
    matrices[SCRIPT] = np.array([[float(one == other) for other in scripts] for one in scripts])
    if overlap is not None:
        matrices[OVERLAP] = _spread(overlap, codes)
    sizes, sizes_of = _sizes(encoder, codes)
    matrices[SIZE] = np.tile(sizes[:, None], (1, len(codes)))
    values = np.stack([matrix[np.ix_(rows, columns)] for matrix in matrices.values()], axis=-1)
    return Features(tuple(matrices), tuple(candidates), tuple(targets), values, sizes_of)


def centred(values: Floats, known: Bools) -> Floats:
    """Return what differs between the candidates of a target: 0 is their mean, and what is unknown.

    Args:
        values: [C, T] or [C, T, F].
        known: which pairs are compared, [C, T]; the others are 0, too.

    Returns:
        The shape of `values`. An unknown feature counts as the mean over the target's candidates: it speaks neither
        for a candidate nor against it.
    """
    mask = known.reshape(known.shape + (1,) * (values.ndim - 2)) & ~np.isnan(values)
    filled = np.where(mask, values, 0.0)
    mean = filled.sum(axis=0) / np.maximum(mask.sum(axis=0), 1)
    return np.where(mask, filled - mean, 0.0)


def nearness(features: Features, known: Bools, names: Sequence[str] = NEAREST) -> Floats:
    """Return how near candidates are to targets, larger is nearer: minus the mean of standardised distances, [C, T].

    Each distance is standardised over the target's candidates, by mean and standard deviation.
    """
    total = np.zeros(known.shape)
    for name in names:
        apart = centred(features.of(name), known)
        size = np.sqrt((apart**2).sum(axis=0) / np.maximum(known.sum(axis=0), 1))
        total -= np.where(size > 0, apart / np.where(size > 0, size, 1.0), 0.0)
    return total / len(names)


def _spread(matrix: Matrix, codes: Sequence[str]) -> Floats:
    """Return a matrix for these languages, NaN where it has none of one."""
    values = np.full((len(codes), len(codes)), np.nan)
    there = [i for i, code in enumerate(codes) if code in matrix.languages]
    values[np.ix_(there, there)] = matrix.take([codes[i] for i in there])
    return values


def _sizes(encoder: str, codes: Sequence[str]) -> tuple[Floats, str]:
    """Return the logarithm of GiB of each language, NaN where unknown, and whose GiB they are."""
    own = [reading(encoder, code) for code in codes]
    if any(one.gibibytes is not None for one in own):
        found, whose = own, f"GiB of text that {encoder} had read"
    else:
        found = [reading(_STAND_IN, code) for code in codes]
        whose = f"GiB of CC-100 (XLM-R) in its place, none being published for {encoder}"
    sizes = [one.log_size for one in found]
    return np.array([np.nan if size is None else size for size in sizes]), whose


def _lacking(features: Features) -> list[str]:
    """Say which features of which languages are unknown, for every or for some of the others."""
    unknown = np.isnan(features.values)
    notes = []
    for position, name in enumerate(features.names):
        cells = unknown[:, :, position]
        wholly = [code for code, row in zip(features.candidates, cells, strict=True) if row.all()]
        wholly += [code for code, column in zip(features.targets, cells.T, strict=True) if column.all()]
        others = [code for code, row in zip(features.candidates, cells, strict=True) if row.any()]
        named = sorted(set(wholly or others))
        if named:
            notes.append(f"{name} unknown, and taken for the mean of the candidates: {', '.join(named)}.")
    return notes
