"""A help desk's file as a user has it: one table, seven languages, 12 intents; nobody has split it or knows ids."""

from __future__ import annotations

import csv
import random
from collections.abc import Mapping
from pathlib import Path

from isogloss.data.source import read_rows
from isogloss.data.task import load_task

INTENTS = [
    "alarm_set", "calendar_set", "email_sendemail", "general_joke", "iot_hue_lightoff", "lists_query",
    "news_query", "play_music", "qa_factoid", "takeaway_order", "transport_ticket", "weather_query",
]  # fmt: skip
LANGUAGES = ("en", "de", "es", "fi", "fr", "sw", "tr")
AMHARIC = (
    ("ነገ ጠዋት በስድስት ሰዓት ቀስቅሰኝ", "alarm_set"),
    ("የዛሬ የአየር ሁኔታ እንዴት ነው", "weather_query"),
    ("ሙዚቃ አጫውትልኝ", "play_music"),
    ("መብራቱን አጥፋ", "iot_hue_lightoff"),
    ("አዲስ ዜና ንገረኝ", "news_query"),
)
SHARE = 0.03

Row = tuple[str, str]  # text, intent
Rows = dict[str, list[Row]]


def clean(count: int = 580) -> Rows:
    """Return rows by language, of the embedded sample of MASSIVE; no text stands twice in a language."""
    return {language: _drawn(language, count) for language in LANGUAGES}


def _drawn(language: str, count: int) -> list[Row]:
    found: dict[str, Row] = {}
    for split in ("train",) if language == "en" else ("validation", "test"):
        read = read_rows(load_task("massive"), language, split)
        for (text,), label in zip(read.texts, read.labels, strict=True):
            if (intent := read.label_names[label]) in INTENTS:
                found.setdefault(text.casefold(), (text, intent))
    rows = list(found.values())
    random.Random(language).shuffle(rows)
    return rows[:count]


def with_faults(rows: Rows) -> tuple[Rows, list[Row]]:
    """Return rows with all six faults, and the French rows that have a wrong intent now."""
    french, wrong = _permuted(rows["fr"])
    changed = {
        "fr": french,
        "es": [(text, _SWAPPED.get(intent, intent)) for text, intent in rows["es"]],
        "en": [*rows["en"], *rows["sw"][:20]],
        "sw": rows["sw"][20:],
        "tr": [*rows["tr"], *sorted(rows["tr"], key=lambda row: -len(row[0]))[:10]],
        "fi": [(text.encode().decode("latin-1"), intent) for text, intent in rows["fi"]],
        "am": list(AMHARIC),
    }
    return {**rows, **changed}, wrong


_SWAPPED = {"play_music": "news_query", "news_query": "play_music"}


def _permuted(rows: list[Row]) -> tuple[list[Row], list[Row]]:
    """Rows of which a share has the intent of another row among them, never its own."""
    chance = random.Random(0)
    while True:
        places = chance.sample(range(len(rows)), round(SHARE * len(rows)))
        new = dict(zip(places, [rows[place][1] for place in places[1:] + places[:1]], strict=True))
        if all(rows[place][1] != intent for place, intent in new.items()):
            break
    changed = [(text, new.get(place, intent)) for place, (text, intent) in enumerate(rows)]
    return changed, [changed[place] for place in places]


def write(path: Path, rows: Mapping[str, list[Row]]) -> None:
    """Write the table, all languages mixed."""
    table = [(text, intent, language) for language, own in rows.items() for text, intent in own]
    random.Random(1).shuffle(table)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("message", "topic", "language"), *table])
