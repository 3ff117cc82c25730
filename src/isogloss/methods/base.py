"""What a method is, and what it is given: episodes, a base optimizer, a learner; never data, files or devices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol, TypeAlias

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from torch import Tensor

    from isogloss.data.bag import Bag
    from isogloss.data.batch import Batch
    from isogloss.keys import Key
    from isogloss.learner.learner import Learner
    from isogloss.learner.objective import Objective
    from isogloss.learner.rates import Rates

Product: TypeAlias = Literal["weights", "rates"]
StepLog: TypeAlias = dict[str, float | str]


class Settings(BaseModel):
    """Arguments of a method, named as in its paper; frozen, and unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Length(NamedTuple):
    """How long a phase is: `value` steps, examples seen, or passes over the pooled examples of its languages.

    Where supports are drawn, an epoch is one pass over the largest of the query's languages.
    """

    unit: Literal["epochs", "steps", "examples"]
    value: float


class Episode(NamedTuple):
    """A support and a query, each some batches.

    Attributes:
        support: one batch for each inner step; empty where a method has no inner steps.
        query: the batches whose mean loss the outer step follows.
        extra: what a pairing adds, by name.
    """

    support: tuple[Batch, ...]
    query: tuple[Batch, ...]
    extra: Mapping[str, Any]


class Schedule(Protocol):
    """All episodes of a phase: a pure function of the step, so that resuming never replays."""

    steps: int

    def __getitem__(self, step: int) -> tuple[Episode, ...]:
        """Return the episodes of a (meta) step, 0 ≤ step < steps; one or more."""

    def examples(self, step: int) -> int:
        """Return how many examples (support and query, with repetition) the episodes of a step hold."""


class Pair(NamedTuple):
    """The languages of an episode; several on a side are pooled and drawn by example."""

    support: tuple[str, ...]
    query: tuple[str, ...]

    def __str__(self) -> str:
        return f"{'+'.join(self.support)}→{'+'.join(self.query)}"

    @property
    def overlaps(self) -> bool:
        """Whether a language stands on both sides, so that the same rows, and their groups, must be kept apart."""
        return not set(self.support).isdisjoint(self.query)


class Pairing(Protocol):
    """The law that draws the languages of episodes.

    Its class, registered under `isogloss.pairings`, has `Settings` as a method has, and is made from them; it holds no
    state of its own.
    """

    @property
    def settings(self) -> Settings:
        """What it was made from."""

    @property
    def version(self) -> int:
        """A class attribute that goes up whenever the same settings would give other pairs."""

    def cycle(self, support: Sequence[str], query: Sequence[str], key: Key) -> tuple[Pair, ...]:
        """Return the pairs of one cycle, which episodes take in turn.

        Args:
            support: languages that a support may be drawn from, in their order.
            query: languages that a query may be drawn from, in their order.
            key: names the cycle by its step, for laws that draw. Every cycle has as many pairs.

        Raises:
            Mistakes: the law cannot pair these languages.
        """


class BaseOptimizer(Protocol):
    """f_opt of xu2021: a torch optimizer that updates the parameters it was made for, in place."""

    def step(self, gradients: Mapping[str, Tensor], *, scale: float = 1.0, rates: Rates | None = None) -> None:
        """Apply one update.

        Args:
            gradients: by parameter name, shaped like the parameters.
            scale: the schedule's factor on the learning rate.
            rates: by layer group, the share of the update that the group takes; all 1 if not given.
        """

    def tensors(self) -> dict[str, Tensor]:
        """Return the whole state as named tensors."""

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take back what `tensors` returned."""


class State(Protocol):
    """What a method carries from step to step: named tensors, so that one saver serves every method."""

    def tensors(self) -> dict[str, Tensor]:
        """Return everything that the next step depends on, but the learner's parameters."""

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take back what `tensors` returned."""


class Setup(NamedTuple):
    """What a method is handed when a phase begins.

    Attributes:
        rates: the phase's own rate of every layer group, 0 where it is frozen.
        objective: what is minimised on a batch.
        make_optimizer: returns a new base optimizer, its state empty, over the learner's moving parameters.
        scale: position in the (simulated) run, 0 to 1, to the learning rate schedule's factor.
    """

    rates: Rates
    objective: Objective
    make_optimizer: Callable[[], BaseOptimizer]
    scale: Callable[[int, int], float]


class Method(Protocol):
    """How episodes change a learner.

    A method is made from its settings and holds no state of its own; `version` goes up whenever the same settings would
    give another result, so that stored phases are never mistaken for what the method does now. It may have `cite`, as
    may pairings, objectives and kinds: whom to cite, each a key of `isogloss.evaluation.citations` or BibTeX.
    """

    Settings: ClassVar[type[Settings]]
    version: ClassVar[int]
    draws_support: ClassVar[bool]  # whether a phase may say what supports are drawn from

    def __init__(self, settings: Any) -> None: ...

    @property
    def pairing(self) -> Pairing:
        """The law that its episodes' languages follow."""

    @property
    def product(self) -> Product:
        """What a phase of this method leaves behind."""

    @property
    def owns_length(self) -> bool:
        """Whether the settings say how long a phase is; otherwise the phase must."""

    def check(self, learner: Learner, rates: Rates) -> None:
        """See that a learner can do what the settings ask, before anything is trained.

        Args:
            learner: with the phase's encoder; left as it is.
            rates: the phase's own rate of every layer group.

        Raises:
            Mistakes: it cannot; each names the setting as its place, and the caller puts the phase before it.
        """

    def schedule(
        self,
        bags: Mapping[str, Bag],
        *,
        support: Mapping[str, Bag] | None = None,
        batch_size: int,
        length: Length | None,
        key: Key,
    ) -> Schedule:
        """Return the episodes of a phase.

        Args:
            bags: what the phase is trained on, by language.
            support: what supports are drawn from, by language; `bags` if not given. Only for methods that draw any.
            batch_size: examples a batch.
            length: of the phase; None where the settings say it.
            key: names all draws.

        Raises:
            Mistakes: the languages cannot be paired, or the bags are too small for an episode.
        """

    def begin(self, learner: Learner, setup: Setup, key: Key) -> State:
        """Return the state before the first step."""

    def step(self, learner: Learner, state: Any, episodes: Sequence[Episode], key: Key) -> StepLog:
        """Change learner and state by the episodes of one step; return what to log, `loss` and other numbers, words."""

    def rates(self, state: Any) -> tuple[Rates, Sequence[Mapping[str, float]]]:
        """Return learned rates and their course over meta steps; only for methods whose product is rates."""
