"""When two answers count as the same: three rules that turn an answer into tokens.

| rule | languages | what it is |
|---|---|---|
| `squad` | any, all treated as English | SQuAD 1.1's own; XTREME keeps it for XQuAD and TyDi QA in every language |
| `mlqa` | ar de en es hi vi zh | MLQA's: punctuation of every script, articles of each language, Chinese by character |
| `generic` | any | Unicode's own notions of case and punctuation, no articles, unspaced scripts by character |

Scores under different rules are not to be compared: Thai is one token a phrase under `squad` and one a character
under `generic`. The language is always that of the answer, which is that of the context, not of the question.

Which characters are punctuation, marks and lower-case is what `unicodedata` of the running Python says.
"""

from __future__ import annotations

import re
import string
import sys
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from isogloss.errors import mistake


@dataclass(frozen=True)
class Rule:
    """How an answer is brought to a form in which it is compared.

    Attributes:
        name: the name that recipes, tasks and tables use.
        languages: the base languages that the rule knows; None is any.
        split: turns a text and its base language (`zh` for `zh-Hant`), one that the rule knows, into tokens.
    """

    name: str
    languages: tuple[str, ...] | None
    split: Callable[[str, str], list[str]]

    def check(self, language: str, *, where: str = "rule") -> None:
        """Refuse a language that this rule does not know.

        Args:
            language: a BCP-47 key; its base language decides, so that `zh-Hant` is known where `zh` is.
            where: the place that a message names: a file and its key, an option.

        Raises:
            Mistakes: the rule has nothing to say about this language.
        """
        if self.languages is not None and _base(language) not in self.languages:
            raise mistake(
                f'the rule "{self.name}" does not know the language "{language}", only {", ".join(self.languages)}',
                where=where,
                remedy='use the rule "generic", which is for any language',
            )

    def tokens(self, text: str, language: str) -> list[str]:
        """Return the tokens of an answer as it was written; none is empty and none holds whitespace.

        Args:
            text: the answer, not normalised.
            language: the BCP-47 key of the answer's language.

        Raises:
            Mistakes: the rule does not know the language.
        """
        self.check(language)
        return self.split(text, _base(language))

    def normalise(self, text: str, language: str) -> str:
        """Return the tokens of an answer, joined by one space: two answers match exactly where these are equal.

        Where a character is a token of its own, blanks between such characters therefore do not count.
        Arguments and errors are those of `tokens`.
        """
        return " ".join(self.tokens(text, language))


def _base(language: str) -> str:
    return language.partition("-")[0]


@cache
def _characters(category: str) -> str:
    """Return every character whose general category begins so."""
    every = map(chr, range(sys.maxunicode + 1))
    return "".join(char for char in every if unicodedata.category(char).startswith(category))


# The rule "squad"

_ASCII_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ENGLISH_ARTICLE = re.compile(r"\b(?:a|an|the)\b")


def _squad(text: str, _base_language: str) -> list[str]:
    """Follow SQuAD 1.1 (Rajpurkar et al. 2016): English articles and ASCII punctuation, whatever the language."""
    without = text.lower().translate(_ASCII_PUNCTUATION)
    return _ENGLISH_ARTICLE.sub(" ", without).split()


# The rule "mlqa"


def _words(articles: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{articles})\b")


# Vietnamese is matched as composed letters only: MLQA's data are composed, and its rule folds nothing.
_ARTICLES: Mapping[str, re.Pattern[str] | None] = MappingProxyType(
    {
        # MLQA means "at the beginning of a word" and writes a pattern that cannot match there, beside one that
        # matches anywhere. Printed scores hold what it does: every occurrence goes, within a word as well.
        "ar": re.compile("ال"),
        "de": _words("ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des"),
        "en": _words("a|an|the"),
        "es": _words("un|una|unos|unas|el|la|los|las"),
        "hi": None,
        "vi": _words("của|là|cái|chiếc|những"),
        "zh": None,
    }
)
# MLQA's range: the ideographs of Unicode 1.1. Later ones, 〇 and kana are runs like Latin words.
_MLQA_IDEOGRAPH = re.compile("[\u4e00-\u9fa5]")


@cache
def _punctuation() -> Mapping[int, None]:
    """Return the table that deletes PUNCT: punctuation of every script, and ASCII symbols such as $ and +."""
    return dict.fromkeys(map(ord, _characters("P") + string.punctuation))


def _mlqa(text: str, base_language: str) -> list[str]:
    """Follow MLQA (Lewis et al. 2020), step by step in its order; written from a description, not from its code.

    Punctuation is deleted before articles are looked for, and leaves nothing behind: "state-of-the-art" is one
    word. MLQA also makes tokens of Chinese punctuation, of which none is left by then.
    """
    text = text.lower().translate(_punctuation())
    if (article := _ARTICLES[base_language]) is not None:
        text = article.sub(" ", text)
    if base_language == "zh":
        text = _MLQA_IDEOGRAPH.sub(r" \g<0> ", text)
    return text.split()


# The rule "generic"

# Blocks of the scripts that put no spaces between words: Han, the kana and Bopomofo, all nine whose letters
# UAX #14 gives to dictionaries (line breaking class SA), and Tibetan, whose tsheg parts syllables. By block
# (Blocks.txt) and not by a character's name, so that a character younger than the running Python counts too.
_UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u0f00-\u0fff"  # Tibetan
    "\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f"  # Myanmar
    "\u1780-\u17ff\u19e0-\u19ff"  # Khmer
    "\u1950-\u19df\u1a20-\u1aaf\uaa80-\uaadf\U00011700-\U0001174f"  # Tai Le, New Tai Lue, Tai Tham, Tai Viet, Ahom
    "\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f\U0001aff0-\U0001b16f"  # Hiragana, Katakana
    "\u3100-\u312f\u31a0-\u31bf"  # Bopomofo
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u303c"  # radicals, 々, 〇, numerals, repeat marks
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
)
# Not of category M, but UAX #29 joins them to their base: Thai and Lao sara am, half-width kana's voicing marks.
_LIKE_MARKS = "\u0e33\u0eb3\uff9e\uff9f"
# What parts words without being whitespace: the zero-width space (Khmer, Thai) and the Ethiopic word space.
_SEPARATORS = {0x200B: " ", 0x1361: " "}
_DOTTED_AND_DOTLESS = str.maketrans("Iİ", "ıi")
_TWO_LETTERS_I = frozenset({"az", "tr"})


@cache
def _invisible_and_punctuation() -> Mapping[int, str | None]:
    return {**dict.fromkeys(map(ord, _characters("Cf"))), **_punctuation(), **_SEPARATORS}


@cache
def _unit() -> re.Pattern[str]:
    """Return what matches one letter of an unspaced script with its marks; digits stay together as a number."""
    marks = _LIKE_MARKS + _characters("M")
    return re.compile(rf"(?!\d)[{_UNSPACED}][{marks}]*")


def _fold(text: str, base_language: str) -> str:
    """Return a text without the differences of encoding and of case.

    Composed first, so that what is canonically the same (Hindi nukta letters, decomposed Vietnamese) is the same
    text; NFKC would also equate what readers tell apart, x² and x2. Case is folded, which is Unicode's way of
    comparing without case: lower-casing leaves STRASSE and Straße, and the two Greek small sigmas, apart.
    """
    text = unicodedata.normalize("NFC", text)
    if base_language in _TWO_LETTERS_I:
        text = text.translate(_DOTTED_AND_DOTLESS)
    return text.casefold()


def _generic(text: str, base_language: str) -> list[str]:
    """Split on whitespace, and letter by letter where a script has no spaces between words.

    Case and encoding are folded; punctuation of every script and ASCII symbols are deleted, as MLQA deletes them;
    so are format characters, which nobody sees (direction marks, joiners, soft hyphens). Articles stay: a language
    that is not known cannot tell its articles from its words.

    A token of an unspaced script is a letter with the marks that follow it: a vowel sign alone is no part of an
    answer. That is UAX #29's grapheme cluster, but for Khmer and Myanmar conjuncts, whose letters count singly.
    """
    bare = _fold(text, base_language).translate(_invisible_and_punctuation())
    # What was deleted may have stood between a letter and its mark.
    return _unit().sub(r" \g<0> ", unicodedata.normalize("NFC", bare)).split()


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        rule.name: rule
        for rule in (
            Rule("squad", None, _squad),
            Rule("mlqa", tuple(sorted(_ARTICLES)), _mlqa),
            Rule("generic", None, _generic),
        )
    }
)
