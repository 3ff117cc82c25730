"""What a layout may say: every key with its type and default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

from isogloss.wording import refusal

TAGS = ("named", "given")
"""Which form a row of a group has; pydantic puts it into the places of mistakes."""


class _Part(BaseModel):
    """A table of the file: immutable, no unknown keys, no silent conversion of types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Given(_Part):
    """A row of numbers that stand in the file itself.

    Attributes:
        name: what it is called.
        source: where the numbers are printed; said below the table.
        values: language or other column → percent.
    """

    name: str = Field(min_length=1)
    source: str = Field(min_length=1)
    values: Mapping[str, float] = Field(min_length=1)


def _row(row: Any) -> Any:
    if not isinstance(row, str | Mapping):
        raise refusal(f"{row!r} is no row", 'write its name, or { name = "…", source = "…", values = { … } }')
    return row


def _form(row: Any) -> str:
    return TAGS[not isinstance(row, str)]


Row: TypeAlias = Annotated[
    Annotated[str, Tag("named")] | Annotated[Given, Tag("given")],
    Discriminator(_form),
    BeforeValidator(_row),
]


class RowGroup(_Part):
    """Rows that stand together, with a rule above them.

    Attributes:
        heading: above them; none if empty.
        where: axis → value: only rows of these cells are meant.
        rows: names as a plain table has them ("pooled", "finetune (printed)"), or numbers given here.
    """

    heading: str = ""
    where: Mapping[str, str] = {}
    rows: tuple[Row, ...]


class Names(_Part):
    """What is shown in place of a name: of variants (and printed rows), languages, other columns, values of axes."""

    variants: Mapping[str, str] = {}
    languages: Mapping[str, str] = {}
    columns: Mapping[str, str] = {}
    values: Mapping[str, str] = {}


class LeftOut(_Part):
    """What is not shown, and is named below the table."""

    rows: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()


class Latex(_Part):
    """How LaTeX sets the table.

    Attributes:
        size: of the letters; that of the text around if not given.
        gap: on either side of a column, in points.
        fit: whether a table that is wider than a line is made smaller.
    """

    size: Literal["small", "footnotesize", "scriptsize"] | None = None
    gap: Annotated[float | None, Field(ge=0)] = None
    fit: bool = False


class Layout(_Part):
    """A layout.

    Attributes:
        compare: a paper's printed table whose rows are put beside, as `--compare` does.
        show: which tables: of scores, of differences on average, of differences by language.
        languages: their order; those not named follow.
        columns: the other columns that stay, in this order: axes by name, "mean", "common mean", "paper's mean", "sd",
            "seeds" …; all if not given.
        differences: the same of tables of differences: "targets", "difference", "95 % interval", "p" …
        digits: after the decimal point.
        transpose: whether languages are rows, and arms columns.
        names: what is shown in place of names.
        groups: of rows, in order; rows that none of them names follow in a group of their own.
        left_out: rows and languages that are not shown.
        latex: how LaTeX sets it.
    """

    compare: str | None = None
    show: Annotated[tuple[Literal["scores", "mean", "languages"], ...], Field(min_length=1)] = (
        "scores",
        "mean",
        "languages",
    )
    languages: tuple[str, ...] = ()
    columns: tuple[str, ...] | None = None
    differences: tuple[str, ...] | None = None
    digits: Annotated[int | None, Field(ge=0, le=6)] = None
    transpose: bool = False
    names: Names = Names()
    groups: tuple[RowGroup, ...] = ()
    left_out: LeftOut = LeftOut()
    latex: Latex = Latex()
