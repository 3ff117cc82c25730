"""Episodes of a support and a query, drawn as a pairing says: the schedule of meta-learning across languages."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import count
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import numpy as np

from isogloss.errors import Mistake, Mistakes
from isogloss.methods.base import Episode, Length, Pair, Pairing
from isogloss.methods.deck import Deck

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from isogloss.data.bag import Bag
    from isogloss.data.batch import Batch
    from isogloss.keys import Key

Coverage: TypeAlias = Literal["random", "cover"]
Side: TypeAlias = Literal["support", "query"]
SIDES: tuple[Side, Side] = ("support", "query")
_PAIRS_LOOKED_AT = 2_000  # for sizes and ids: a cycle or many, where a law draws its pairs


@dataclass(frozen=True, eq=False)
class Pool:
    """The bags of some languages as one row of examples."""

    bags: Sequence[Bag]

    def __len__(self) -> int:
        return sum(map(len, self.bags))

    @cached_property
    def ids(self) -> NDArray[np.str_]:
        """[N] strings."""
        return np.concatenate([bag.ids for bag in self.bags])

    @cached_property
    def groups(self) -> NDArray[np.int64]:
        """[N] int64."""
        return np.concatenate([bag.groups for bag in self.bags])

    @cached_property
    def by_id(self) -> tuple[NDArray[np.int64], NDArray[np.str_]]:
        """[N] positions in the order of their ids, and the ids in this order."""
        order = np.argsort(self.ids, kind="stable")
        return order, self.ids[order]

    def batch(self, drawn: NDArray[np.int64]) -> Batch:
        """Return the examples at some positions, bag by bag."""
        from isogloss.data.batch import collate

        starts = np.cumsum([0, *map(len, self.bags)])
        owner = np.searchsorted(starts, drawn, side="right") - 1
        return collate([(bag, drawn[owner == number] - starts[number]) for number, bag in enumerate(self.bags)])


class Draw(NamedTuple):
    """An episode's positions in the pools of its pair: of each support batch that is drawn, and of the query."""

    support: tuple[NDArray[np.int64], ...]
    query: NDArray[np.int64]


class EpisodeSchedule:
    """Some episodes a meta step, their languages as a pairing says.

    The pairs of a cycle are taken in turn, in an order drawn for each cycle unless a meta step takes a whole one.

    Coverage "random": a batch is drawn without replacement, independently of all others. "cover": every example of a
    side's languages is used once before any is used twice; the languages that stand together on a side have a count of
    their own. Where a language stands on both sides, the groups (premises) of the support stay out of the query; under
    "cover" they wait for the next episode.

    Parallel: a query is drawn, and its support holds the same ids; where several languages share the side of the
    support, each id is of one of those that have it, at random.

    Args:
        pairing: the law of languages.
        query_bags: what queries are drawn from, by language.
        support_bags: what supports are drawn from, by language.
        support_size: examples a support batch; 0 for episodes without support.
        query_size: examples a query.
        inner_steps: support batches an episode.
        fresh_support: whether each of them is drawn anew; otherwise they are one and the same.
        episodes: a meta step; "all": a whole cycle of pairs.
        coverage: how examples are drawn.
        parallel: whether support and query hold the same examples in two languages.
        length: of the phase; an epoch is one pass over the largest of the query's languages.
        key: names all draws.

    Raises:
        Mistakes: the pairing cannot pair the languages, or they hold too few examples, groups or parallel ids.
    """

    def __init__(
        self,
        pairing: Pairing,
        query_bags: Mapping[str, Bag],
        support_bags: Mapping[str, Bag],
        *,
        support_size: int,
        query_size: int,
        inner_steps: int,
        fresh_support: bool,
        episodes: int | Literal["all"],
        coverage: Coverage,
        parallel: bool,
        length: Length,
        key: Key,
    ) -> None:
        self._pairing, self._key, self._coverage = pairing, key, coverage
        self._bags: dict[Side, Mapping[str, Bag]] = {"query": query_bags, "support": support_bags}
        self._support_size, self._query_size = support_size, query_size
        self._inner_steps = inner_steps if support_size else 0
        self._drawn_batches = self._inner_steps if fresh_support else min(self._inner_steps, 1)
        self._parallel = parallel and support_size > 0
        self._shuffled = episodes != "all"
        self._cycle = lru_cache(maxsize=2)(self._draw_cycle)
        self._cycle_size = len(self._cycle(0))
        self._episodes = self._cycle_size if episodes == "all" else episodes
        self._pools: dict[tuple[Side, tuple[str, ...]], Pool] = {}
        self._decks: dict[tuple[Side, tuple[str, ...]], Deck] = {}
        self._dealt: list[Draw] = []
        if mistakes := dict.fromkeys(self._mistakes()):
            raise Mistakes(mistakes)
        self.steps = math.ceil(self._episodes_of(length) / self._episodes)

    def __getitem__(self, step: int) -> tuple[Episode, ...]:
        """Return the episodes of a meta step.

        Raises:
            IndexError: there is no such step.
        """
        if not 0 <= step < self.steps:
            raise IndexError(f"step {step} of {self.steps}")
        first = step * self._episodes
        return tuple(self._episode(number, step) for number in range(first, first + self._episodes))

    def examples(self, step: int) -> int:
        """Return how many examples a meta step sees: a support counts once for every inner step on it."""
        del step
        return self._episodes * self._examples_an_episode

    @property
    def _examples_an_episode(self) -> int:
        return self._inner_steps * self._support_size + self._query_size

    def _episode(self, number: int, step: int) -> Episode:
        pair = self._pair(number)
        draw = self._draw(number)
        support = tuple(self._pool("support", pair).batch(drawn) for drawn in draw.support)
        repeats = self._inner_steps // max(self._drawn_batches, 1)
        query = self._pool("query", pair).batch(draw.query)
        return Episode(support * repeats, (query,), {"step": step, "steps": self.steps, "pair": pair})

    def _pair(self, number: int) -> Pair:
        cycle, within = divmod(number, self._cycle_size)
        return self._cycle(cycle)[within]

    def _draw_cycle(self, cycle: int) -> tuple[Pair, ...]:
        key = self._key._replace(step=cycle, purpose="cycle")
        pairs = self._pairing.cycle(tuple(self._bags["support"]), tuple(self._bags["query"]), key)
        if not self._shuffled:
            return pairs
        return tuple(pairs[place] for place in key.generator().permutation(len(pairs)))

    def _pool(self, side: Side, pair: Pair) -> Pool:
        languages = getattr(pair, side)
        if (side, languages) not in self._pools:
            self._pools[side, languages] = Pool([self._bags[side][language] for language in languages])
        return self._pools[side, languages]

    def _draw(self, number: int) -> Draw:
        if self._coverage == "random":
            return self._at_random(number)
        while len(self._dealt) <= number:
            self._dealt.append(self._deal(len(self._dealt)))
        return self._dealt[number]

    def _at_random(self, number: int) -> Draw:
        pair, generator = self._pair(number), self._generator(number)
        support, query = self._pool("support", pair), self._pool("query", pair)
        if self._parallel:
            drawn = generator.choice(len(query), self._query_size, replace=False)
            return Draw((_twins(query, drawn, support, generator),), drawn)
        batches = tuple(
            generator.choice(len(support), self._support_size, replace=False) for _ in range(self._drawn_batches)
        )
        if not (batches and self._apart(pair)):
            return Draw(batches, generator.choice(len(query), self._query_size, replace=False))
        allowed = np.flatnonzero(~np.isin(query.groups, support.groups[np.concatenate(batches)]))
        return Draw(batches, generator.choice(allowed, self._query_size, replace=False))

    def _deal(self, number: int) -> Draw:
        pair = self._pair(number)
        support, query = self._pool("support", pair), self._pool("query", pair)
        if self._parallel:
            drawn = self._deck("query", pair).deal(self._query_size)
            return Draw((_twins(query, drawn, support, self._generator(number)),), drawn)
        batches = tuple(self._deck("support", pair).deal(self._support_size) for _ in range(self._drawn_batches))
        if not (batches and self._apart(pair)):
            return Draw(batches, self._deck("query", pair).deal(self._query_size))
        taken = set(support.groups[np.concatenate(batches)].tolist())
        drawn = self._deck("query", pair).deal(self._query_size, lambda position: int(query.groups[position]) in taken)
        return Draw(batches, drawn)

    def _apart(self, pair: Pair) -> bool:
        """Whether the same rows could come up on both sides; equal groups of two splits or tasks mean nothing."""
        both = set(pair.support).intersection(pair.query)
        sources = ({(self._bags[side][code].task, self._bags[side][code].split) for code in both} for side in SIDES)
        return not set.isdisjoint(*sources)

    def _same_rows(self, languages: Sequence[str]) -> bool:
        return all(self._bags["support"][code] is self._bags["query"][code] for code in languages)

    def _deck(self, side: Side, pair: Pair) -> Deck:
        languages = getattr(pair, side)
        if pair.support == pair.query and self._same_rows(languages):
            side = "query"  # one deck for both, so that every row is on either side once before any is twice
        if (side, languages) not in self._decks:
            key = self._key._replace(purpose=f"cover/{side}/{'+'.join(languages)}")
            self._decks[side, languages] = Deck(len(self._pool(side, pair)), key)
        return self._decks[side, languages]

    def _generator(self, number: int) -> np.random.Generator:
        return self._key._replace(purpose="episode", step=number).generator()

    def _episodes_of(self, length: Length) -> int:
        if length.unit == "steps":
            return math.ceil(length.value) * self._episodes
        if length.unit == "examples":
            return math.ceil(length.value / self._examples_an_episode)
        return self._episodes_to_pass(length.value)

    def _episodes_to_pass(self, epochs: float) -> int:
        """The least number of episodes whose queries go so often over the largest language, as their law has it."""
        bags = self._bags["query"]
        met = sorted({language for pair in self._some_pairs() for language in pair.query})
        largest = max(met, key=lambda language: len(bags[language]))
        wanted, drawn = epochs * len(bags[largest]) - 1e-6, 0.0
        for number in count():
            if drawn >= wanted:
                return number
            pair = self._pair(number)
            if largest in pair.query:
                drawn += self._query_size * len(bags[largest]) / len(self._pool("query", pair))
        raise AssertionError("without end")

    def _some_pairs(self) -> Iterable[Pair]:
        """Every pair of the phase: one cycle holds them, or else very many do."""
        return dict.fromkeys(self._pair(number) for number in range(max(self._cycle_size, _PAIRS_LOOKED_AT)))

    def _mistakes(self) -> Iterable[Mistake]:
        for pair in self._some_pairs():
            yield from self._too_few(pair)
            if self._parallel:
                yield from self._not_parallel(pair)

    def _too_few(self, pair: Pair) -> Iterable[Mistake]:
        sizes: dict[Side, int] = {"support": self._support_size if not self._parallel else 0, "query": self._query_size}
        short = False
        for side, size in sizes.items():
            if len(self._pool(side, pair)) < size:
                short = True
                what = f"{len(self._pool(side, pair))} examples are fewer than the {size} of an episode's {side}"
                remedy = f"give it more, or lower {'support_size' if side == 'support' else 'batch_size'}"
                yield Mistake(what, f"{side} {_words(getattr(pair, side))}", remedy)
        if self._apart(pair) and not short and self._room(pair) < self._query_size:
            taken = self._drawn_batches * self._support_size
            what = f"{taken} rows of support may leave {self._room(pair)} rows of other groups, fewer than the query's "
            what += str(self._query_size)
            yield Mistake(what, f"query {_words(pair.query)}", "give it more, or lower support_size or batch_size")

    def _room(self, pair: Pair) -> int:
        """How many query examples have no group in the support, whichever supports are drawn."""
        support, query = self._pool("support", pair), self._pool("query", pair)
        _, sizes = np.unique(query.groups[np.isin(query.groups, support.groups)], return_counts=True)
        taken = self._drawn_batches * self._support_size
        return len(query) - int(np.sort(sizes)[::-1][:taken].sum())

    def _not_parallel(self, pair: Pair) -> Iterable[Mistake]:
        one, other = _words(pair.support), _words(pair.query)
        if pair.overlaps:
            what = f"support ({one}) and query ({other}) cannot hold the same examples in a language that both have"
            yield Mistake(what, "parallel", 'choose the pairing "roles" or "across", or parallel = false')
        elif self._drawn_batches > 1:
            what = "the supports of an episode cannot all be new and all hold the query's examples"
            yield Mistake(what, "parallel", "set fresh_support = false, or parallel = false")
        elif self._support_size != self._query_size:
            what = f"{self._support_size} examples of support and {self._query_size} of query cannot be the same ones"
            yield Mistake(what, "parallel", "leave support_size out, or set parallel = false")
        else:
            query, support = self._pool("query", pair), self._pool("support", pair)
            matched = int(np.isin(query.ids, support.ids).sum())
            if matched < len(query):
                what = f"of {len(query)} ids of {other} (query), {matched} are among those of {one} (support)"
                remedy = "draw both from the same split of a parallel task, or set parallel = false"
                yield Mistake(what, "parallel", remedy)


def _twins(query: Pool, drawn: NDArray[np.int64], support: Pool, generator: np.random.Generator) -> NDArray[np.int64]:
    """The positions in `support` of the ids drawn from `query`; of several with an id, one at random."""
    order, ids = support.by_id
    wanted = query.ids[drawn]
    first, stop = np.searchsorted(ids, wanted, side="left"), np.searchsorted(ids, wanted, side="right")
    return order[generator.integers(first, stop)]


def _words(languages: Sequence[str]) -> str:
    return "+".join(languages)
