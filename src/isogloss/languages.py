"""The table of languages, and nothing else.

A language has one key, a BCP-47 tag as short as it can be: `de`, `zh`, `zh-Hant`. Data sets write it in other
ways (`deu_Latn`, `de-DE`, `zho`); `canonical` finds the key of those, `get` takes keys only and names the key
that was meant.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from isogloss.errors import mistake

_TRADITIONAL_REGIONS = frozenset({"tw", "hk", "mo"})


@dataclass(frozen=True, slots=True)
class Language:
    """One language, in one script.

    Attributes:
        code: the key, a BCP-47 tag.
        name: the English name.
        iso639_3: the ISO 639-3 code of the individual language that the data sets hold (`arb`, not `ara`).
        also: other codes that stand for it, macrolanguages and withdrawn ones (`ara`, `iw`).
        glottocode: its key in Glottolog.
        family: Glottolog's top-level family; an isolate is its own family.
        branch: the customary branch of the family (Germanic, Bantu). Not a level of Glottolog's tree.
        script: the ISO 15924 code of the script that the data sets write it in (`Hang`, `Hans`).
        latitude: of Glottolog's point, in degrees north.
        longitude: of Glottolog's point, in degrees east, -180 to 180. The point lies where the language is at
            home, which is not where most of its speakers live.
    """

    code: str
    name: str
    iso639_3: str
    also: tuple[str, ...]
    glottocode: str
    family: str
    branch: str
    script: str
    latitude: float
    longitude: float


def _parse(line: str) -> Language:
    code, name, iso639_3, also, glottocode, family, branch, script, latitude, longitude = line.split("\t")
    return Language(
        code=code,
        name=name,
        iso639_3=iso639_3,
        also=tuple(also.split()),
        glottocode=glottocode,
        family=family,
        branch=branch,
        script=script,
        latitude=float(latitude),
        longitude=float(longitude),
    )


@cache
def languages() -> Mapping[str, Language]:
    """Return every language by its key, sorted by key."""
    text = (files("isogloss") / "languages.tsv").read_text(encoding="utf-8")
    _source, _header, *lines = text.splitlines()
    return MappingProxyType({language.code: language for language in map(_parse, lines)})


@cache
def _aliases() -> Mapping[str, str]:
    """Return the key behind every code and name, lower-cased; the first language that has one keeps it."""
    found: dict[str, str] = {}
    for language in languages().values():
        for alias in (language.code, language.name, language.iso639_3, language.glottocode, *language.also):
            found.setdefault(alias.casefold(), language.code)
    return MappingProxyType(found)


def canonical(code: str) -> str | None:
    """Return the key of a language that a data set writes in its own way, or None where the table has none.

    ISO 639 codes, FLORES codes (`zho_Hant`), locales (`zh-TW`) and English names are understood. A script
    that is named must be the language's own: `srp_Latn` is not `sr`, which the table has in Cyrillic.
    """
    if (exact := _aliases().get(code.casefold())) is not None:
        return exact
    primary, *rest = code.casefold().replace("_", "-").split("-")
    base = _aliases().get(primary)
    if base is None:
        return None
    script = next((part for part in rest if len(part) == 4), None)
    if base == "zh" and script is None and _TRADITIONAL_REGIONS & set(rest):
        script = "hant"
    key = _aliases().get(f"{base}-{script}", base)
    return key if script in (None, languages()[key].script.casefold()) else None


def get(code: str, *, where: str = "languages") -> Language:
    """Return the language that has this key.

    Args:
        code: a key of `languages()`.
        where: the place that a message names: a file and its key, an option.

    Raises:
        Mistakes: no language has this key. The remedy names the key that was meant, where one can be guessed.
    """
    if code in languages():
        return languages()[code]
    raise mistake(f'no language has the key "{code}"', where=where, remedy=_remedy(code))


def cell(language: str) -> tuple[str, str | None]:
    """Return the two languages of a cell: `de/en` is ("de", "en"), and a plain `de` is ("de", None).

    Rows may be in two languages, such as a context in German with a question in English. The first is the language
    of what is read and answered from; the second that of the question, which is the first one's where none is named.
    """
    first, slash, second = language.partition("/")
    return first, second if slash else None


def cells(languages: Iterable[str]) -> tuple[str, ...]:
    """Return every cell of some languages, the plain ones among them, row by row."""
    every = tuple(languages)
    return tuple(first if first == second else f"{first}/{second}" for first in every for second in every)


def parts(languages: Iterable[str]) -> frozenset[str]:
    """Return the plain languages that some languages, cells and texts in two languages ("en+sw") are made of."""
    every = (part for language in languages for part in cell(language) if part is not None)
    return frozenset(plain for part in every for plain in part.split("+"))


def _remedy(code: str) -> str:
    meant = canonical(code)
    if meant is not None:
        return f'write "{meant}" ({languages()[meant].name})'
    close = difflib.get_close_matches(code.casefold(), _aliases(), n=1, cutoff=0.7)
    if close:
        meant = _aliases()[close[0]]
        return f'did you mean "{meant}" ({languages()[meant].name})?'
    return "keys are BCP-47 tags such as en, sw or zh-Hant; `isogloss list languages` shows them all"
