"""`isogloss cite RUNS`: whom to cite, as BibTeX, and what the runs took."""

from __future__ import annotations

import textwrap

import typer

from isogloss.cli.options import DEFAULT_STORE, AddressArgument, StoreOption


def cite(
    runs: AddressArgument,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """BibTeX of what runs are made from, and what they took."""
    from isogloss.evaluation.citations import bibtex, cited, compute
    from isogloss.store import Store

    opened = Store(store)
    found = opened.resolve(runs)
    told = textwrap.fill(compute(opened, found), 110, initial_indent="% ", subsequent_indent="% ")
    typer.echo(f"{bibtex(cited(opened, found))}\n\n{told}")
