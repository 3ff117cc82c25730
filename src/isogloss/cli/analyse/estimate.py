"""`isogloss analyse estimate RUNS`: how well without labels, held against what is true."""

from __future__ import annotations

from isogloss.cli.analyse.calibration import KeepOption, done_runs, keep_frame
from isogloss.cli.analyse.output import say_frame, say_tables
from isogloss.cli.options import DEFAULT_STORE, FormatOption, RunsArgument, StoreOption, known_format


def estimate(
    runs: RunsArgument,
    *,
    keep: KeepOption = None,
    form: FormatOption = "text",
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Accuracy estimated without a language's labels, against the true one: each language left out in turn."""
    import polars as pl

    from isogloss.evaluation.estimates import confidences, estimate_frame, estimate_tables
    from isogloss.evaluation.evidence import unknown_shares
    from isogloss.evaluation.folds import FOLD

    written = known_format(form)
    opened, done = done_runs(runs, store)
    frames = [confidences(opened.predictions([run])).drop(FOLD, strict=False) for run in done]
    predictions = pl.concat(frames, how="diagonal_relaxed")  # rows of all folds are one run's
    frame = estimate_frame(predictions, opened.scores(done), unknown_shares(opened, done, predictions))
    keep_frame(frame, keep, "estimates")
    if written in ("csv", "json"):
        say_frame(frame, written)
        return
    say_tables(list(estimate_tables(frame)), written)
