"""The commands. What goes wrong becomes an exit code and lines on stderr here, and only here.

0 done; 1 a fault of ours; 2 a mistake in what was asked, a line each; 3 interrupted, to be gone on with.
"""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
import warnings
from collections.abc import Sequence
from typing import Annotated

import typer

from isogloss.cli import (
    analyse,
    cite,
    doctor,
    export,
    fetch,
    figure,
    listing,
    new,
    predict,
    push,
    quickstart,
    report,
    run,
    show,
    table,
)
from isogloss.errors import Interrupted, Mistakes

_INTERRUPTED = 130  # what typer makes of KeyboardInterrupt

app = typer.Typer(
    name="isogloss",
    help="Carry what a language model learned in one language into others, and tell how well it arrived.",
    epilog="RUNS: a recipe's name, NAME/VARIANT, NAME/VARIANT@SEED, or a run's key.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"isogloss {version('isogloss')}")
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    del version  # its callback has acted on it


for _command in (
    quickstart.quickstart,
    new.new,
    fetch.fetch,
    run.run,
    listing.list_,
    show.show,
    table.table,
    report.report,
    figure.figure,
    predict.predict,
    export.export,
    push.push,
    cite.cite,
    doctor.doctor,
):
    app.command(_command.__name__.rstrip("_"))(_command)
app.add_typer(analyse.app, name="analyse")


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry a command out and return its exit code.

    Args:
        arguments: the words after `isogloss`; those of this process if not given.
    """
    _quiet()
    try:
        code = app(args=arguments, prog_name="isogloss", standalone_mode=False)
    except Mistakes as mistakes:
        return _say(2, *map(str, mistakes.mistakes))
    except (Interrupted, KeyboardInterrupt) as stop:
        return _say(3, str(stop) or "interrupted; the same command goes on where it was")
    except Exception as error:  # noqa: BLE001 (the last stop: everything becomes an exit code)
        if hasattr(error, "format_message"):  # typer's own, about options and arguments
            return _say(2, f"{error.format_message()} (see `isogloss {_asked(error)}--help`)")
        return _fault(error)
    if code == _INTERRUPTED:
        return _say(3, "interrupted; the same command goes on where it was")
    return code if isinstance(code, int) else 0


def _say(code: int, *lines: str) -> int:
    for line in lines:
        typer.echo(" ".join(line.split()), err=True)
    return code


def _asked(error: Exception) -> str:
    """Return the command that a usage error is about, with a space after it, or nothing."""
    path = getattr(getattr(error, "ctx", None), "command_path", "")
    return f"{path.partition(' ')[2]} ".lstrip()


def _fault(error: Exception) -> int:
    text = "".join(traceback.format_exception(error))
    if os.environ.get("ISOGLOSS_DEBUG"):
        typer.echo(text, err=True)
        where = "the traceback is above"
    else:
        try:
            with tempfile.NamedTemporaryFile(
                "w", prefix="isogloss-fault-", suffix=".txt", delete=False, encoding="utf-8"
            ) as file:
                file.write(f"isogloss {' '.join(sys.argv[1:])}\n{text}")
            where = f"please report it with {file.name}"
        except OSError:
            where = "set ISOGLOSS_DEBUG=1 to see where, and please report it"
    return _say(1, f"a fault of ours: {type(error).__name__}: {error}; {where}")


def _quiet() -> None:
    """Let warnings take one line, and keep other libraries' progress bars and hints away from ours."""
    for name, value in (
        ("TRANSFORMERS_VERBOSITY", "error"),
        ("HF_HUB_DISABLE_PROGRESS_BARS", "1"),
        ("HF_DATASETS_DISABLE_PROGRESS_BARS", "1"),
        ("TOKENIZERS_PARALLELISM", "true"),
    ):
        os.environ.setdefault(name, value)
    warnings.showwarning = _one_line


def _one_line(message: Warning | str, *_: object, **__: object) -> None:
    typer.echo(f"warning: {' '.join(str(message).split())}", err=True)
