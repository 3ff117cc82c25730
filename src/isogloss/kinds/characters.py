"""Which characters of a text each of its tokens covers, whatever the tokenizer counts in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isogloss.data.flat import starts_of

_CHUNK = 1024  # texts tokenised at once: each offset is a Python object until it is in an array
_PROBE = "日本語 ไทย é \N{GRINNING FACE} ok 1."  # in bytes, all but its beginning lies beyond its end in characters
_SPACE = np.array([chr(code).isspace() for code in range(0x3002)])  # no white space lies above U+3000


@dataclass(frozen=True, eq=False)
class Tokens:
    """The tokens of some texts, without special ones.

    Attributes:
        ids: token numbers of all texts, flat: [T] int32.
        offsets: where each text's tokens start and the last one's stop: [N + 1] int64.
        start: the first character of each token in its text, in code points: [T] int32.
        end: the character after its last: [T] int32. Where `end` equals `start` the token has no character of its
            own: it stands for white space, or for something that the tokenizer has put there.
    """

    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    start: NDArray[np.int32]
    end: NDArray[np.int32]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each text: [N]."""
        return np.diff(self.offsets)


def cut(context: str, start_char: int, end_char: int) -> str:
    """Return an answer's text, cut from the original context, without white space at both ends.

    Args:
        context: as it was before tokenising.
        start_char: the answer's first character, in code points.
        end_char: the character after its last.
    """
    return context[start_char:end_char].strip()


def tokenise(texts: Sequence[str], tokenizer: Any) -> Tokens:
    """Return the tokens of each text, whole, with the characters that each token covers.

    The characters are those of the text as given, in code points, whatever the tokenizer makes of it:

    - white space at both ends of a token does not belong to it (byte-level BPE without `trim_offsets` and Metaspace
      count the space before a word as the word's);
    - of several tokens for one character (bytes of an emoji, both halves of a fraction) each covers all of it;
    - characters between two tokens that belong to neither, because the normaliser has merged or deleted them (the
      accent of `e` + U+0301), belong to the token before them, unless white space lies between; then, or at the
      text's beginning, to the token after them.

    Args:
        texts: what to tokenise.
        tokenizer: a fast one of transformers. Its offsets may count code points or bytes of UTF-8: which of them is
            read off a known text, whose end (in code points) only bytes can pass.
    """
    in_bytes = _counts_bytes(tokenizer)
    parts = [
        _tokenise(texts[first : first + _CHUNK], tokenizer, in_bytes) for first in range(0, max(len(texts), 1), _CHUNK)
    ]
    lengths = np.concatenate([part.lengths for part in parts])
    return Tokens(
        ids=np.concatenate([part.ids for part in parts]),
        offsets=starts_of(lengths),
        start=np.concatenate([part.start for part in parts]),
        end=np.concatenate([part.end for part in parts]),
    )


def tokens_of(
    tokens: Tokens, text: NDArray[np.int64], start: NDArray[np.int64], end: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Return the tokens of stretches of characters [start, end).

    They go from the first token that ends after `start` to the last that starts before `end`. Tokens without
    characters are none of them.

    Args:
        tokens: of all texts.
        text: which text each stretch is of: [K].
        start: its first character in the text: [K].
        end: the character after its last: [K].

    Returns:
        The first and the last token, counted over all texts, and whether there are any: [K] each.
    """
    far = 1 + max(int(tokens.end.max(initial=0)), int(end.max(initial=0)))  # apart, so that one search serves all texts
    full = np.flatnonzero(tokens.end > tokens.start)
    base = far * np.repeat(np.arange(len(tokens.lengths)), tokens.lengths)[full]
    # Tokens need not be in order: the first whose end is beyond a place is the first at which the greatest end is.
    ends = np.maximum.accumulate(tokens.end[full] + base)
    starts = np.minimum.accumulate((tokens.start[full] + base)[::-1])[::-1]
    first = np.searchsorted(ends, far * text + start, side="right")
    last = np.searchsorted(starts, far * text + end, side="left") - 1
    found = first <= last
    return full[np.where(found, first, 0)], full[np.where(found, last, 0)], found


def _encodings(texts: Sequence[str], tokenizer: Any) -> Any:
    """Return one encoding of the `tokenizers` package a text.

    Their offsets are asked for when they are read, not here: hundreds of thousands of tuples that are alive at once
    cost more, in collections of garbage, than the tokenizer does.
    """
    encoded = tokenizer(
        list(texts), add_special_tokens=False, return_attention_mask=False, return_token_type_ids=False, verbose=False
    )
    return encoded.encodings


def _counts_bytes(tokenizer: Any) -> bool:
    """Tell whether offsets count bytes of UTF-8 (code points otherwise): then a known text's reach beyond its end."""
    return any(end > len(_PROBE) for _, end in _encodings([_PROBE], tokenizer)[0].offsets)


def _tokenise(texts: Sequence[str], tokenizer: Any, in_bytes: bool) -> Tokens:
    if not texts:
        nothing = np.zeros(0, dtype=np.int32)
        return Tokens(nothing, starts_of(nothing.astype(np.int64)), nothing, nothing)
    encodings = _encodings(texts, tokenizer)
    lengths = np.fromiter(map(len, encodings), dtype=np.int64, count=len(texts))
    total = int(lengths.sum())
    ids = np.fromiter(chain.from_iterable(each.ids for each in encodings), dtype=np.int32, count=total)
    pairs = chain.from_iterable(chain.from_iterable(each.offsets for each in encodings))
    spans = np.fromiter(pairs, dtype=np.int64, count=2 * total).reshape(total, 2)
    # All texts as one, a line feed between them: what is done below needs no loop over texts.
    joined = np.frombuffer("\n".join([*texts, ""]).encode("utf-32-le"), dtype=np.uint32)
    sizes = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts)) + 1
    base = np.repeat(starts_of(sizes)[:-1], lengths)  # of each token's text
    start, end = _from_bytes(spans, joined, base) if in_bytes else (spans + base[:, None]).T
    start, end = _settled(start, end, joined)
    return Tokens(ids, starts_of(lengths), (start - base).astype(np.int32), (end - base).astype(np.int32))


def _from_bytes(
    spans: NDArray[np.int64], joined: NDArray[np.uint32], base: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where tokens start and end among the joined texts' characters, from offsets in bytes of each text."""
    widths = 1 + (joined > 0x7F).astype(np.int64) + (joined > 0x7FF) + (joined > 0xFFFF)
    character = np.append(np.repeat(np.arange(len(joined)), widths), len(joined))  # of each byte
    start, end = (spans + starts_of(widths)[base][:, None]).T
    # The character that holds the last byte, and not the one after the span: a span may stop inside a character.
    return character[start], np.where(end > start, character[end - 1] + 1, character[start])


def _settled(
    start: NDArray[np.int64], end: NDArray[np.int64], joined: NDArray[np.uint32]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Take white space off both ends of tokens, and give them the skipped characters beside them."""
    place = np.arange(len(joined))
    space = _SPACE[np.minimum(joined, len(_SPACE) - 1)]
    after = np.minimum.accumulate(np.where(space, len(joined), place)[::-1])[::-1]  # the first that is no space
    before = np.maximum.accumulate(np.where(space, 0, place + 1))  # the stop of the last that is no space
    first, stop = np.append(after, len(joined))[start], np.append(0, before)[end]
    empty = first >= stop
    first[empty] = stop[empty] = start[empty]
    opened, closed = _beside(first[~empty], stop[~empty], space)
    first[~empty], stop[~empty] = opened[first[~empty]], closed[stop[~empty]]
    return first, stop


def _beside(
    start: NDArray[np.int64], stop: NDArray[np.int64], space: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where a token that starts, or stops, at each place should: beyond the skipped characters there."""
    opened, closed = np.arange(len(space) + 1), np.arange(len(space) + 1)
    size = len(space)
    depth = np.cumsum(np.bincount(start, minlength=size)[:size] - np.bincount(stop, minlength=size)[:size])
    skipped = (depth == 0) & ~space
    edges = np.diff(np.concatenate([[False], skipped, [False]]).astype(np.int8))
    left, right = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)  # runs of skipped characters
    closed[left] = right
    alone = (left == 0) | space[left - 1]  # no token before them that they could follow
    opened[right[alone]] = left[alone]
    return opened, closed
