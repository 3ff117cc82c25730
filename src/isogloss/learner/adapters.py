"""What low-rank adapters are asked for with. Torch is not needed to read it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

VERSION = 1  # goes up whenever the same settings would give another result


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class Adapters(BaseModel):
    """Low-rank adapters (LoRA; Hu et al. 2022, arXiv:2106.09685): W x becomes W x + (alpha / rank) · B A x.

    W stands still. A [rank, in] is drawn (Kaiming's uniform law, as in `peft`) and B [out, rank] starts at 0, so that
    nothing has changed before the first step.

    Attributes:
        rank: r, of each adapter.
        alpha: the adapters' scale is alpha / rank.
        dropout: the share of an adapter's inputs that is dropped in training.
        modules: names of linear maps within the layers, or the ends of their dotted paths: "query", "output.dense".
            The attention's queries and values if not given, as in the paper.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    rank: Annotated[int, Field(ge=1)] = 8
    alpha: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 16.0
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    modules: Annotated[tuple[str, ...], Field(min_length=1), BeforeValidator(_listed)] | None = None

    @field_validator("modules")
    @classmethod
    def _in_order(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        """Their order has no effect: it is no part of a key."""
        return None if value is None else tuple(sorted(set(value)))

    def __str__(self) -> str:
        dropped = f", dropout {self.dropout:g}" if self.dropout else ""
        where = f" on {', '.join(self.modules)}" if self.modules else ""
        return f"LoRA of rank {self.rank}, alpha {self.alpha:g}{dropped}{where}"

    @classmethod
    def read(cls, kept: Any) -> Adapters | None:
        """Return what was kept as JSON; none where nothing was."""
        return None if kept is None else cls.model_validate(kept, strict=False)

    def content(self) -> list[Any]:
        """Return what of them a result depends on."""
        return [VERSION, self.model_dump(mode="json")]
