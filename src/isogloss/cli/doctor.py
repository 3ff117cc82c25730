"""`isogloss doctor [RECIPE]`: what is installed; what is wrong with a recipe's data, and what it will take."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from isogloss.cli import complete
from isogloss.cli.options import (
    DEFAULT_STORE,
    DataOption,
    OfflineOption,
    ProfileOption,
    SetOption,
    StoreOption,
    folders,
)
from isogloss.errors import mistake, nearest

if TYPE_CHECKING:
    from isogloss.doctor.examination import Examination, Finding
    from isogloss.doctor.examine import Report

_FORMATS = ("text", "md", "json")
_SIGNS = {"error": "✗", "warning": "!", "note": "·"}


def doctor(
    recipe: Annotated[
        str | None,
        typer.Argument(
            help="A shipped recipe's name, or a TOML file.",
            metavar="RECIPE",
            autocompletion=complete.recipes,
            show_default=False,
        ),
    ] = None,
    *,
    sets: SetOption = None,
    profile: ProfileOption = None,
    store: StoreOption = DEFAULT_STORE,
    data: DataOption = None,
    offline: OfflineOption = False,
    probe: Annotated[bool, typer.Option("--probe/--no-probe", help="Measure time, memory and disk.")] = True,
    form: Annotated[str, typer.Option("--format", help="How it is written.", metavar="|".join(_FORMATS))] = "text",
) -> None:
    """See what is wrong with a recipe's data and what it will take; without one, what is installed."""
    if form not in _FORMATS:
        raise mistake(f'no format is called "{form}"', where="--format", remedy=nearest(form, _FORMATS))
    report = _examined(recipe, sets, profile, store, data, offline=offline, probe=probe)
    typer.echo(written(report, form), nl=False)
    if report.worst == "error":
        raise typer.Exit(2)


def _examined(
    recipe: str | None,
    sets: list[str] | None,
    profile: str | None,
    store: Path,
    data: list[str] | None,
    *,
    offline: bool,
    probe: bool,
) -> Report:
    from isogloss.doctor.examine import examine_installation, examine_recipe
    from isogloss.recipe.load import load_recipe
    from isogloss.store import Store

    if recipe is None:
        return examine_installation(store)
    loaded = load_recipe(recipe, profile=profile, sets=sets or ())
    return examine_recipe(loaded, Store(store), offline=offline, data=folders(data), probe=probe, tell=_tell)


def _tell(check: str) -> None:
    if sys.stderr.isatty():
        typer.echo(f"looking at: {check}", err=True)


def written(report: Report, form: str) -> str:
    """Return a report as text for a terminal, Markdown or JSON."""
    from isogloss.evaluation.render import render

    if form == "json":
        examinations = [
            {
                "check": one.check,
                "looked": one.looked,
                "findings": [asdict(finding) for finding in one.findings],
                "tables": json.loads(render(one.tables, "json")),
            }
            for one in report.examinations
        ]
        told = {"recipe": report.recipe, "worst": report.worst, "examinations": examinations}
        return json.dumps(told, ensure_ascii=False, indent=2) + "\n"
    lines = _markdown(report) if form == "md" else _text(report)
    return "\n".join([*lines, "", _sum(report)]) + "\n"


def _text(report: Report) -> Iterator[str]:
    from isogloss.evaluation.render import render

    width = shutil.get_terminal_size((120, 24)).columns
    for number, one in enumerate(report.examinations):
        yield from ([""] if number else [])
        yield f"{one.check}: {_said(one)}"
        yield f"  looked at: {one.looked}"
        for finding in one.findings:
            yield f"  {_SIGNS[finding.severity]} {_sentence(finding)}"
            if finding.rows:
                yield f"      {_rows(finding)}"
        if one.tables:
            yield ""
            yield render(one.tables, "text", width=width).rstrip("\n")


def _markdown(report: Report) -> Iterator[str]:
    from isogloss.evaluation.render import render

    yield f"# Doctor: {report.recipe or 'installation'}"
    for one in report.examinations:
        yield from ("", f"## {one.check}", "", f"Looked at: {one.looked}.")
        if one.findings:
            yield ""
        for finding in one.findings:
            rows = f" ({_rows(finding)})" if finding.rows else ""
            yield f"- **{finding.severity}** {_sentence(finding)}{rows}"
        if one.tables:
            yield ""
            yield render(one.tables, "md").rstrip("\n")


def _said(one: Examination) -> str:
    return _counts(one.findings) or "nothing found"


def _sum(report: Report) -> str:
    counts = _counts(report.findings) or "nothing found"
    tail = "; a run would be refused" if report.worst == "error" else ""
    return f"all: {counts}{tail}"


def _counts(findings: tuple[Finding, ...]) -> str:
    from isogloss.doctor.examination import SEVERITIES

    counts = {severity: sum(one.severity == severity for one in findings) for severity in SEVERITIES}
    return ", ".join(f"{n} {name}{'s' * (n > 1)}" for name, n in counts.items() if n)


def _sentence(finding: Finding) -> str:
    return f"{finding.where}: {finding.what}; {finding.remedy}"


def _rows(finding: Finding) -> str:
    more = (finding.count or 0) - len(finding.rows)
    return ", ".join(finding.rows) + (f" and {more:,} more" if more > 0 else "")
