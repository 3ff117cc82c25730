"""Which languages the encoder's vocabulary does not cover, and which it never read."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

from isogloss.analysis.pretraining import known_encoders, reading
from isogloss.data.bag import Coverage
from isogloss.doctor.examination import Examination, Finding, cells, named, sorted_findings
from isogloss.evaluation.tabular import Column, Table
from isogloss.languages import parts

BADLY = 0.05
"""Share of unknown tokens from which scores in a language say little; above the recipe's own a run is refused."""


def examine(
    read: Mapping[str, Sequence[Coverage]], encoder: str, allow_unknown: float, unlabelled: Collection[str] = ()
) -> Examination:
    """Return what the encoder makes of each language.

    Args:
        read: what its tokenizer made of the texts, by language, column by column.
        encoder: as in the recipe.
        allow_unknown: the recipe's: share of unknown tokens above which a run is refused.
        unlabelled: languages that are predicted and not scored, for which none is.
    """
    whole = {language: Coverage(*map(sum, zip(*found, strict=True))) for language, found in sorted(read.items())}
    worst = {language: max(one.unknown_share for one in found) for language, found in read.items()}
    findings = [
        finding
        for language, coverage in whole.items()
        for finding in _findings(
            language, coverage, worst[language], encoder, 1.0 if language in unlabelled else allow_unknown
        )
    ]
    unknown = [language for language in whole if _seen(encoder, language) == "unknown"]
    looked = f"all texts of {len(whole)} languages, as {encoder} splits them into tokens"
    if unknown:
        looked += f"; whether it had read {named(unknown)} before is not published"
    return Examination("coverage", looked, sorted_findings(findings), (_table(whole, encoder),))


def _findings(language: str, coverage: Coverage, worst: float, encoder: str, allow_unknown: float) -> list[Finding]:
    found = []
    if max(worst, coverage.unknown_share) > min(BADLY, allow_unknown):
        refused = worst > allow_unknown
        what = f"{coverage.unknown_share:.0%} of the tokens are unknown to {encoder}"
        what += f": a run is refused above {allow_unknown:.0%}" if refused else ": what is predicted there says little"
        remedy = f"leave the language out, or take an encoder that covers it{_covering(language)}"
        found.append(Finding("error" if refused else "warning", f"language {language}", what, remedy))
    if _seen(encoder, language) == "no":
        what = f"{encoder} had read nothing of it before"
        found.append(Finding("note", f"language {language}", what, f"expect less of it{_covering(language)}"))
    return found


def _covering(language: str) -> str:
    """Return the known encoders that had read a language, in words."""
    every = [name for name in known_encoders() if "/" not in name and _seen(name, language) == "yes"]
    return f" ({', '.join(every)} had read it)" if every else ""


def _seen(encoder: str, language: str) -> str:
    """Whether an encoder had read a language: "no" if one of a pair was not, else "unknown" if one is not known."""
    told = {reading(encoder, part).seen for part in parts([language])}
    return next(answer for answer in ("no", "unknown", "yes") if answer in told)


def _table(whole: Mapping[str, Coverage], encoder: str) -> Table:
    columns = (
        Column("language"),
        Column("tokens", "integer"),
        Column("unknown %", "number", 1),
        Column("tokens a word", "number"),
        Column("in pre-training"),
    )
    rows = []
    for language, coverage in whole.items():
        tokens = None if math.isnan(coverage.tokens_per_word) else coverage.tokens_per_word
        values = (language, coverage.content, 100 * coverage.unknown_share, tokens, _seen(encoder, language))
        rows.append(cells(*values))
    return Table(f"what {encoder} makes of the texts", columns, tuple(rows))
