"""Which Unicode script the letters of a text are of, against the one that its language is written in."""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import cache

from isogloss.languages import languages

_WRITTEN_WITH = {
    "Hans": ("Hani",),
    "Hant": ("Hani",),
    "Hang": ("Hang", "Hani"),
    "Jpan": ("Hani", "Hira", "Kana"),
}
NAMES = {
    "Arab": "Arabic",
    "Armn": "Armenian",
    "Beng": "Bengali",
    "Cyrl": "Cyrillic",
    "Deva": "Devanagari",
    "Ethi": "Ethiopic",
    "Geor": "Georgian",
    "Grek": "Greek",
    "Gujr": "Gujarati",
    "Guru": "Gurmukhi",
    "Hang": "Hangul",
    "Hani": "Chinese",
    "Hebr": "Hebrew",
    "Hira": "Hiragana",
    "Kana": "Katakana",
    "Khmr": "Khmer",
    "Knda": "Kannada",
    "Latn": "Latin",
    "Mlym": "Malayalam",
    "Mymr": "Myanmar",
    "Orya": "Oriya",
    "Sinh": "Sinhala",
    "Taml": "Tamil",
    "Telu": "Telugu",
    "Thai": "Thai",
}
"""Scripts of our languages (ISO 15924) in words."""

_BY_WORD = {("CJK" if script == "Hani" else name.upper()): script for script, name in NAMES.items()}
_LETTERS = 8  # fewer say nothing: a name, a unit
_OWN = 0.1  # below this share of own letters a text is in another script; above it is a mixture


def scripts_of(language: str) -> tuple[str, ...]:
    """Return the scripts (ISO 15924) of the letters that a language's texts have."""
    script = languages()[language].script
    return _WRITTEN_WITH.get(script, (script,))


def foreign_script(text: str, language: str) -> str | None:
    """Return the script that nearly all letters of a text are of, where it is not the language's; else None."""
    if text.isascii() and "Latn" in scripts_of(language):
        return None
    counts = Counter(_script(letter) for letter in text if letter.isalpha())
    del counts[""]
    letters = counts.total()
    own = sum(counts[script] for script in scripts_of(language))
    if letters < _LETTERS or own >= _OWN * letters:
        return None
    return counts.most_common(1)[0][0]


@cache
def _script(letter: str) -> str:
    """Return a letter's script, by its Unicode name; "" for one that is of no script of ours, or of several."""
    words = unicodedata.name(letter, "").replace("-", " ").split()
    word = words[1] if words[:1] in (["FULLWIDTH"], ["HALFWIDTH"]) else "".join(words[:1])
    return _BY_WORD.get(word, "")
