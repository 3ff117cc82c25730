"""A second process that draws while this one goes on: vl-convert takes seconds for a page and lets no other thread run.

Run as `python -m isogloss.report.drawer` it reads Vega-Lite specifications, a line of JSON each, and answers each with
`{"svg": drawing}` or `{"refused": why}`, a line too.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from types import TracebackType
from typing import IO, Any, Self

_ANY = {"data": {"values": [{}]}, "mark": "point"}


class Drawer:
    """Draws figures in the order in which they are asked for. Leaving its block ends the process."""

    def __enter__(self) -> Self:
        # -P: what lies in the working directory is never imported.
        command = [sys.executable, "-P", "-m", "isogloss.report.drawer"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
        self._thread = ThreadPoolExecutor(1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self._thread.shutdown(cancel_futures=True)
        finally:
            with suppress(BrokenPipeError):  # it has ended by itself, and why is said where a drawing is asked for
                self._process.__exit__(kind, error, traceback)

    def svg(self, specification: Mapping[str, Any]) -> Future[str]:
        """Return the drawing of a Vega-Lite specification, once it is there.

        Its result raises RuntimeError where the specification cannot be drawn, and says why.
        """
        return self._thread.submit(self._ask, specification)

    def _ask(self, specification: Mapping[str, Any]) -> str:
        asked, answers = self._process.stdin, self._process.stdout
        assert asked is not None
        assert answers is not None
        try:
            _tell(asked, specification)
            answer = json.loads(answers.readline())
        except (BrokenPipeError, json.JSONDecodeError) as error:
            raise RuntimeError("a figure cannot be drawn: the process that draws has ended") from error
        if "refused" in answer:
            raise RuntimeError(f"a figure cannot be drawn: {answer['refused']}")
        return str(answer["svg"])


def serve(asked: IO[str], answers: IO[str]) -> None:
    """Draw what is asked for until there is no more."""
    import vl_convert

    vl_convert.vegalite_to_svg(_ANY)  # the first takes longest, and nobody waits for it yet
    for line in asked:
        try:
            answer = {"svg": vl_convert.vegalite_to_svg(line)}
        except ValueError as error:  # what vl-convert raises, whatever is wrong
            answer = {"refused": " ".join(str(error).splitlines()[:2])}  # without where in its script
        _tell(answers, answer)


def _tell(stream: IO[str], what: Any) -> None:
    stream.write(f"{json.dumps(what)}\n")
    stream.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who asks is interrupted, too, and then asks no more
    serve(sys.stdin, sys.stdout)
