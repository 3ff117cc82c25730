"""Choose the rows of MASSIVE that this package ships: python sample_massive.py MASSIVE_FOLDER

MASSIVE_FOLDER holds `index.tsv.gz` (id, partition, scenario, intent) and `utt/<locale>.txt.gz`, line k for
row k. The sample has the same layout and the same order of rows. The choice is a function of the ids alone:
in each partition every intent gets one row and its share of the rest, and within an intent the
rows with the lowest SHA-256 of their id are taken.
"""

from __future__ import annotations

import gzip
import hashlib
import sys
from collections import defaultdict
from pathlib import Path

ROWS = {"train": 4000, "dev": 1000, "test": 600}
TRAIN_LOCALES = ("en-US",)  # the others keep an empty line where a row of the training partition stands
LOCALES = (
    "ar-SA bn-BD de-DE el-GR en-US es-ES fi-FI fr-FR hi-IN id-ID ja-JP ko-KR my-MM ru-RU sw-KE ta-IN te-IN "
    "th-TH tr-TR ur-PK vi-VN zh-CN"
)


def read_lines(path: Path) -> list[str]:
    """Return the lines of a gzipped file; other line separators than a line feed belong to a text."""
    return gzip.decompress(path.read_bytes()).decode("utf-8").split("\n")[:-1]


def write_lines(path: Path, lines: list[str]) -> None:
    """Write lines as gzip without a time stamp, so that the same rows give the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(f"{line}\n" for line in lines)
    path.write_bytes(gzip.compress(text.encode("utf-8"), compresslevel=9, mtime=0))


def quotas(sizes: dict[str, int], total: int) -> dict[str, int]:
    """Give each name one of `total` rows, and share out the rest in proportion (largest remainder first)."""
    spare = total - len(sizes)
    exact = {name: spare * size / sum(sizes.values()) for name, size in sizes.items()}
    shares = {name: 1 + int(share) for name, share in exact.items()}
    by_remainder = sorted(exact, key=lambda name: (int(exact[name]) - exact[name], name))
    for name in by_remainder[: total - sum(shares.values())]:
        shares[name] += 1
    return shares


def choose(rows: list[list[str]]) -> list[int]:
    """Return the positions of the rows to ship, in the order of the index."""
    strata: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for position, (_, partition, _, intent) in enumerate(rows):
        strata[partition][intent].append(position)
    chosen = []
    for partition, intents in strata.items():
        shares = quotas({intent: len(positions) for intent, positions in intents.items()}, ROWS[partition])
        for intent, positions in intents.items():
            positions.sort(key=lambda position: hashlib.sha256(rows[position][0].encode()).hexdigest())
            chosen += positions[: shares[intent]]
    return sorted(chosen)


def main(source: Path, destination: Path) -> None:
    """Write the sample of the data set in `source` to `destination`."""
    header, *index = read_lines(source / "index.tsv.gz")
    rows = [line.split("\t") for line in index]
    chosen = choose(rows)
    write_lines(destination / "index.tsv.gz", [header, *(index[position] for position in chosen)])
    for locale in LOCALES.split():
        texts = read_lines(source / "utt" / f"{locale}.txt.gz")
        shipped = [
            texts[position] if locale in TRAIN_LOCALES or rows[position][1] != "train" else "" for position in chosen
        ]
        write_lines(destination / "utt" / f"{locale}.txt.gz", shipped)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(__file__).parent / "src" / "isogloss_mini" / "massive")
