"""Transfer and impact over sources × targets, from the frames of runs that differ in what they were trained on.

Both frames have a row for a run (variant, seed, source) and a target: transfer the columns `score` and `n`, impact
a row for each `layer`, too, with the columns `impact` and `n`. They are small, and all that an analysis of runs needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from isogloss.analysis.kept import IMPACT, TRANSFER
from isogloss.analysis.statistics.pairs import Matrix, matrix_from_pairs
from isogloss.errors import mistake, nearest
from isogloss.evaluation.frame import primary_metric, write_frame

_WHOSE = ("variant", "seed", "source")
_ENCODER = "encoder"  # what earlier versions kept does not say it


class TransferFrames(NamedTuple):
    """What was measured of some runs.

    Attributes:
        name: whose: a recipe and its task, as they stand in headings and file names.
        transfer: variant, seed, source, target, metric (one for all), score (percent), n, encoder; without the last
            where it is not known.
        impact: variant, seed, source, target, layer, impact, n; without a row where no run was looked into.
    """

    name: str
    transfer: pl.DataFrame
    impact: pl.DataFrame

    @classmethod
    def of(
        cls,
        name: str,
        scores: pl.DataFrame,
        impacts: pl.DataFrame,
        sources: Mapping[str, str],
        *,
        encoders: Mapping[str, str] | None = None,
        metric: str | None = None,
    ) -> TransferFrames:
        """Return what score and impact frames of a store say.

        Args:
            name: of the result.
            scores: as `Store.scores` returns them.
            impacts: as `Store.impacts` returns them; may be empty.
            sources: the one language that a run was trained on, by the run's key; runs that are not in it are left out.
            encoders: the name of each run's encoder, by the run's key, if it is known.
            metric: which score; the primary one if not given.

        Raises:
            Mistakes: no run has such a score, or several impacts were measured of one.
        """
        known = pl.DataFrame({"run": list(sources), "source": list(sources.values())}, schema=_strings("run", "source"))
        if "second_language" in scores.columns:  # a question in another language than its context, say, is no target
            scores = scores.filter(pl.col("second_language").is_null())
        metric = metric or primary_metric(scores)
        found = scores.filter(pl.col("metric") == metric).join(known, on="run")
        if found.is_empty():
            there = scores["metric"].unique().to_list()
            raise mistake(f'no scores called "{metric}"', where=name, remedy=nearest(metric, there))
        columns = list(_TRANSFER)
        if encoders is not None:
            found = found.with_columns(pl.col("run").replace_strict(encoders, return_dtype=pl.String).alias(_ENCODER))
            columns.append(_ENCODER)
        transfer = found.rename({"language": "target", "value": "score"}).select(columns)
        if impacts.is_empty():
            return cls(name, transfer, pl.DataFrame(schema=_IMPACT))
        impacts = impacts.filter(~pl.col("language").str.contains("/", literal=True))  # cells of two languages, too
        asked = impacts.select("phase", "against", "pooling").unique(maintain_order=True)
        if asked.height > 1:
            ways = "; ".join(f"{phase} against {against}, {pooling} token" for phase, against, pooling in asked.rows())
            remedy = "ask of runs with one analysis of impact"
            raise mistake(f"the impact was measured in {asked.height} ways: {ways}", where=name, remedy=remedy)
        looked = impacts.join(known, on="run").select(*_WHOSE, "layer", "impact", "n", target="language")
        return cls(name, transfer, looked.select(list(_IMPACT)).cast(_IMPACT))  # type: ignore[arg-type]

    @property
    def metric(self) -> str:
        """Which score transfer is."""
        return str(self.transfer["metric"][0])

    @property
    def variants(self) -> tuple[str, ...]:
        """The variants, in the order of the frame."""
        return tuple(self.transfer["variant"].unique(maintain_order=True))

    def encoder(self, variant: str) -> str:
        """Return the encoder of a variant's runs; "" where it is not known.

        Raises:
            Mistakes: they had several.
        """
        if _ENCODER not in self.transfer.columns:
            return ""
        names = self.transfer.filter(pl.col("variant") == variant)[_ENCODER].fill_null("").unique().sort().to_list()
        if len(names) > 1:
            what = f'runs of the variant "{variant}" had several encoders: {", ".join(map(repr, names))}'
            raise mistake(what, where=self.name, remedy="ask of the runs of one of them")
        return str(names[0])

    def transfer_matrix(self, variant: str) -> Matrix:
        """Return a variant's scores as mean over seeds, source × target, in percent; missing where there is no run."""
        frame = self.transfer.filter(pl.col("variant") == variant)
        return _matrix(frame, "transfer", "score", None)

    def impact_matrices(self, variant: str) -> list[Matrix]:
        """Return a variant's impact as mean over seeds, a matrix for each layer, the lowest first."""
        frame = self.impact.filter(pl.col("variant") == variant)
        layers = sorted(frame["layer"].unique().to_list())
        return [_matrix(frame.filter(pl.col("layer") == layer), "impact", "impact", layer) for layer in layers]

    def write(self, folder: Path) -> None:
        """Write NAME.transfer.csv and, where there is any, NAME.impact.csv; `read` takes them."""
        write_frame(self.transfer, folder / f"{self.name}{TRANSFER}")
        if not self.impact.is_empty():
            write_frame(self.impact, folder / f"{self.name}{IMPACT}")

    @classmethod
    def read(cls, file: Path) -> TransferFrames:
        """Read what `write` wrote.

        Args:
            file: NAME.transfer.csv; NAME.impact.csv is looked for beside it.

        Raises:
            Mistakes: a file is not there, or is not of that form.
        """
        name = file.name.removesuffix(TRANSFER)
        impact = file.with_name(f"{name}{IMPACT}")
        transfer = _read(file, _TRANSFER, (_ENCODER,))
        if transfer["metric"].n_unique() != 1:
            what = "no rows" if transfer.is_empty() else "scores of several metrics"
            raise mistake(what, where=str(file), remedy="write it anew with `isogloss analyse transfer RUNS --keep`")
        return cls(name, transfer, _read(impact, _IMPACT) if impact.is_file() else pl.DataFrame(schema=_IMPACT))


def _strings(*names: str) -> dict[str, type[pl.DataType]]:
    return dict.fromkeys(names, pl.String)


_TRANSFER: dict[str, type[pl.DataType]] = {**_strings(*_WHOSE, "target", "metric"), "score": pl.Float64, "n": pl.Int64}
_IMPACT: dict[str, type[pl.DataType]] = {
    **_strings(*_WHOSE, "target"),
    "layer": pl.Int64,
    "impact": pl.Float64,
    "n": pl.Int64,
}


def _read(file: Path, schema: dict[str, type[pl.DataType]], optional: Sequence[str] = ()) -> pl.DataFrame:
    """The columns of a schema, and of optional ones, which are text, those that are there."""
    remedy = f"a CSV file with the columns {', '.join(schema)}"
    try:
        frame = pl.read_csv(file, infer_schema=False)
        there = [name for name in optional if name in frame.columns]
        return frame.select(*schema, *there).cast(schema)  # type: ignore[arg-type]
    except (OSError, pl.exceptions.PolarsError) as error:
        raise mistake("cannot be read as a frame of runs", where=str(file), remedy=remedy) from error


def _matrix(frame: pl.DataFrame, name: str, value: str, layer: int | None) -> Matrix:
    mean = frame.group_by("source", "target").agg(pl.col(value).mean())
    return matrix_from_pairs(mean, name, value=value, layer=layer)
