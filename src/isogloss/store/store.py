"""The store: the folder of all phases and runs, found again by content key.

```
<store>/phases/<key>/   see `phase`
        runs/<key>/     see `run`
        analyses/<key>/ see `analysis`
        bags/           the token cache (`isogloss.data.encode`)
        states/         hidden states that analyses compare with (`isogloss.run.analyses`)
```

The folders are the truth; nothing else is kept. DuckDB, in memory, is the way to ask them.
"""

from __future__ import annotations

import glob
import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from isogloss.errors import mistake
from isogloss.store.analysis import AnalysisFolder
from isogloss.store.claim import claim
from isogloss.store.phase import PhaseFolder
from isogloss.store.run import RunFolder
from isogloss.store.runs import RunInfo, change, distinct, edition, find, one

if TYPE_CHECKING:
    import duckdb
    import polars as pl

Keep = Literal["scores", "shared", "all"]
Chosen: TypeAlias = str | Sequence[RunInfo] | None

_COLUMNS = {
    "run": "recipe: 'VARCHAR', variant: 'VARCHAR', axes: 'JSON', seeds: 'JSON', seed: 'VARCHAR', "
    "phases: 'VARCHAR[]', settings: 'JSON', provenance: 'JSON', begun: 'DOUBLE'",
    "done": "finished: 'DOUBLE'",
    "failed": "error: 'VARCHAR', phase: 'VARCHAR', time: 'DOUBLE'",
}
_RUNS = """
create view runs as
select started.*, finished,
       case when finished is not null then 'done' when failed.time is not null then 'failed'
            else 'unfinished' end as state,
       coalesce(error, '') as error, coalesce(phase, '') as failed_phase
from started left join done using (key) left join failed using (key)
"""


class Store:
    """All phases and runs below one folder. Making one touches nothing on the disk."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)

    def phase(self, key: str) -> PhaseFolder:
        """Return the folder of a phase, which need not be there yet."""
        return PhaseFolder(self.root / "phases" / key)

    def run(self, key: str) -> RunFolder:
        """Return the folder of a run, which need not be there yet."""
        return RunFolder(self.root / "runs" / key)

    def analysis(self, key: str) -> AnalysisFolder:
        """Return the folder of an analysis, which need not be there yet."""
        return AnalysisFolder(self.root / "analyses" / key)

    @property
    def states(self) -> Path:
        """The folder of hidden states that analyses compare with; may be deleted while nothing runs."""
        return self.root / "states"

    @property
    def bags(self) -> Path:
        """The folder of the token cache."""
        return self.root / "bags"

    def connect(self) -> duckdb.DuckDBPyConnection:
        """Return DuckDB, in memory, with the views `runs`, `scores` and `predictions` over what is on the
        disk now.

        `runs` has key, recipe, variant, axes, seeds, seed, phases, settings, provenance, begun, finished,
        state, error and failed_phase; the two others have a column `run`, the key, and what the runs wrote. A
        view of what no run has written yet is empty.
        """
        import duckdb

        connection = duckdb.connect()
        self._view_runs(connection)
        for name in ("scores", "predictions"):
            connection.execute(f"create view {name} as {self._parquet(name)}")
        return connection

    def runs(self) -> tuple[RunInfo, ...]:
        """Return every run that was ever begun here, oldest first; one that is of several settings once for each.

        Raises:
            Mistakes: a file that describes a run cannot be read.
        """
        import duckdb

        for attempt in range(3):
            try:
                infos = [info for row in self._rows() for info in self._infos(row)]
                return tuple(sorted(infos, key=lambda info: (info.begun, info.key)))
            except duckdb.IOException:
                # A `failed.json` may go, because its run succeeded, between the listing and the reading.
                if attempt == 2:
                    raise
            except (duckdb.Error, TypeError, KeyError, ValueError) as error:
                what = str(error).splitlines()[0]
                raise mistake(
                    f"a run cannot be read ({what})",
                    where=str(self.root),
                    remedy="remove its folder and run again",
                ) from error
        raise AssertionError("unreachable")

    def resolve(self, address: str, *, among: Sequence[RunInfo] | None = None) -> tuple[RunInfo, ...]:
        """Return the runs that an address names (see `isogloss.store.runs`), ordered by variant, cell and
        seed.

        Args:
            address: a recipe's name, `name/variant`, `name/variant@seed`, `name#edition…`, or a key.
            among: what `runs` returned, if it was asked already: it reads the description of every run.

        Raises:
            Mistakes: none has this address.
        """
        return find(self.runs() if among is None else among, address, where=str(self.root))

    def resolve_one(self, address: str) -> RunInfo:
        """Return the only run that an address names.

        Raises:
            Mistakes: none, or several, have this address.
        """
        return one(self.resolve(address), address, where=str(self.root))

    def failed(self, runs: Chosen = None) -> tuple[RunInfo, ...]:
        """Return those that failed, among runs, or the runs that an address names, or all."""
        return tuple(run for run in self._chosen(runs) if run.state == "failed")

    def scores(self, runs: Chosen = None) -> pl.DataFrame:
        """Return the score frame of runs, or of the runs that an address names, or of all: of those that are done.

        Runs that lack a column (an axis or a phase that they do not have) have null there. No column at all
        where no run is done.
        """
        import polars as pl

        return _stacked([pl.read_parquet(path, glob=False) for _, path in self._done(runs, "scores")])

    def predictions(self, runs: Chosen = None, *, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Return the predictions of runs, or of the runs that an address names, or of all, for every example.

        Beside what a run wrote, each row says whose it is: recipe, variant, axis.NAME, seed (as in the score
        frame) and run, the key.

        Args:
            runs: an address (see `resolve`) or runs.
            columns: those of what the runs wrote that are wanted, where they wrote them; all if not given.
        """
        import polars as pl

        frames = []
        for run, path in self._done(runs, "predictions"):
            lazy = pl.scan_parquet(path, glob=False)
            there = lazy.collect_schema().names()
            frame = lazy.select(name for name in there if columns is None or name in columns).collect()
            frames.append(frame.with_columns(**{name: pl.lit(value) for name, value in run.facts.items()}))
        return _stacked(frames)

    def unlabelled(self, runs: Chosen = None) -> pl.DataFrame:
        """Return what was predicted of rows without labels, as `predictions` does; no column at all for nothing."""
        import polars as pl

        frames = []
        for run, path in self._done(runs, "unlabelled"):
            if path.is_file():
                frame = pl.read_parquet(path, glob=False)
                frames.append(frame.with_columns(**{name: pl.lit(value) for name, value in run.facts.items()}))
        return _stacked(frames)

    def impacts(self, runs: Chosen = None) -> pl.DataFrame:
        """Return the impact by language and layer of runs, or of the runs that an address names, or of all.

        Beside what the analysis wrote (phase, against, pooling, language, layer, cka, debiased_cka, impact, n),
        each row says whose it is: recipe, variant, axis.NAME, seed (as in the score frame) and run, the key. No column
        at all where no run has one.
        """
        import polars as pl

        frames = []
        for run in self._chosen(runs):
            facts = {name: pl.lit(value) for name, value in run.facts.items()}
            done = [folder for key in self.run(run.key).analyses if (folder := self.analysis(key)).done]
            frames += [folder.frame().with_columns(**facts) for folder in done]
        return _stacked(frames)

    def release(self, phases: Iterable[str], *, keep: Keep, needed: Collection[str] = ()) -> None:
        """Delete the weights of phases that nobody needs any more. Rates, logs and summaries stay.

        Weights that somebody holds the claim on stay, too: they are being written, or looked for.

        Args:
            phases: the keys of the phases in question.
            keep: "all" deletes nothing; "shared" spares what several runs go through; "scores" spares
                nothing.
            needed: keys that the caller still needs. What runs here need that are not done or not
                analysed, or that keep everything, is spared, too.
        """
        if keep == "all":
            return
        held = []
        with ExitStack() as claims:
            for key in self._free(phases, keep, needed):
                if self.phase(key).weights.is_file() and (mine := claim(self.phase(key).path)):
                    claims.enter_context(mine)
                    held.append(key)
            # A run that needs them and began since the first look is seen now; one that begins later finds them gone,
            # since it looks for them under the claim, too.
            for key in self._free(held, keep, needed):
                self.phase(key).weights.unlink(missing_ok=True)

    def _free(self, phases: Iterable[str], keep: Keep, needed: Collection[str]) -> set[str]:
        """Return those of some phases whose weights nobody needs now (see `release`)."""
        phases = set(phases)
        infos = self.runs() if phases else ()
        uses = Counter(key for run in distinct(infos) for key in set(run.phases))
        needing = [
            run for run in infos if run.state != "done" or run.settings.get("keep") == "all" or self._looked_at(run)
        ]
        spared = set(needed) | {key for run in needing for key in run.phases}
        return {key for key in phases - spared if keep == "scores" or uses[key] < 2}

    def _looked_at(self, run: RunInfo) -> bool:
        """Whether an analysis of a run is still to come."""
        return not all(self.analysis(key).done for key in self.run(run.key).analyses)

    def _view_runs(self, connection: duckdb.DuckDBPyConnection) -> None:
        for view, name in (("started", "run"), ("done", "done"), ("failed", "failed")):
            connection.execute(f"create view {view} as {self._json(name)}")
        connection.execute(_RUNS)

    def _rows(self) -> list[dict[str, Any]]:
        import duckdb

        with duckdb.connect() as connection:  # without the views of results: making them opens every file
            self._view_runs(connection)
            result = connection.execute("select * from runs order by begun, key")
            names = [column[0] for column in result.description or ()]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def _infos(self, row: dict[str, Any]) -> Iterator[RunInfo]:
        yield _info(row)
        for other in self.run(row["key"]).others:
            yield _info(row | {"settings": json.dumps(other["settings"]), "begun": other["begun"]})

    def _chosen(self, runs: Chosen) -> Sequence[RunInfo]:
        if runs is None:
            return distinct(self.runs())
        return self.resolve(runs) if isinstance(runs, str) else runs

    def _done(self, runs: Chosen, name: str) -> list[tuple[RunInfo, Path]]:
        done = (run for run in self._chosen(runs) if run.state == "done")
        return [(run, self.run(run.key).path / f"{name}.parquet") for run in done]

    def _json(self, name: str) -> str:
        """Return the query for all files of one name; DuckDB refuses a pattern that matches nothing."""
        pattern, columns = f"runs/*/{name}.json", _COLUMNS[name]
        if not any(self.root.glob(pattern)):
            types = (column.split(": ") for column in columns.split(", "))
            nothing = ", ".join(f"null::{kind.strip(chr(39))} as {column}" for column, kind in types)
            return f"select null::VARCHAR as key, {nothing} where false"
        files = _quoted(Path(glob.escape(str(self.root))) / pattern)
        return (
            f"select parse_path(filename)[-2] as key, * exclude (filename) from "
            f"read_json({files}, columns = {{{columns}}}, filename = true)"
        )

    def _parquet(self, name: str) -> str:
        pattern = f"runs/*/{name}.parquet"
        if not any(self.root.glob(pattern)):
            return "select null::VARCHAR as run where false"
        files = _quoted(Path(glob.escape(str(self.root))) / pattern)
        return f"select * from read_parquet({files}, union_by_name = true)"


def _stacked(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    import polars as pl

    return pl.concat(frames, how="diagonal_relaxed") if frames else pl.DataFrame()


def _info(row: dict[str, Any]) -> RunInfo:
    settings, axes = json.loads(row["settings"]), json.loads(row["axes"])
    return RunInfo(
        **{name: row[name] for name in ("key", "recipe", "variant", "seed", "state", "error", "failed_phase", "begun")},
        axes={axis: tuple(values) for axis, values in axes.items()},
        seeds=json.loads(row["seeds"]),
        phases=tuple(row["phases"]),
        settings=settings,
        edition=edition(settings),
        change=change(settings, row["variant"]),
    )


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
