"""The feature arrays of URIEL, as the installed `urielplus` distribution ships them.

The arrays are read where they lie; the package is not imported, for on import it sets up logging and when used it
writes into its own folder. They are those of lang2vec 1.1.2, byte for byte (Littell et al. 2017, EACL), before
anything that URIEL+ adds (Khan et al. 2025, COLING). Plain numbers and strings: nothing is unpickled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from isogloss.errors import Mistake, Mistakes, mistake, nearest
from isogloss.languages import languages
from isogloss.recipe.analysis import DISTANCE_KINDS

KINDS = DISTANCE_KINDS["uriel"]

_REMEDY = "pip install 'isogloss[analysis]'"
_FILES = {"genetic": "family_features.npz", "geographic": "geocoord_features.npz"}
_PREFIXES = {"syntactic": "S_", "phonological": "P_", "inventory": "INV_"}  # featural: all three
_MEMBERS = {  # macrolanguage of ISO 639-3 → languages of our table that it stands for
    "ara": ("ar",),
    "aze": ("az",),
    "est": ("et",),
    "fas": ("fa",),
    "hbs": ("hr", "sr"),
    "lav": ("lv",),
    "mon": ("mn",),
    "msa": ("ms", "id"),
    "nep": ("ne",),
    "nor": ("nb",),
    "ori": ("or",),
    "que": ("qu", "quy"),
    "sqi": ("sq",),
    "swa": ("sw",),
    "uzb": ("uz",),
    "zho": ("zh", "zh-Hant"),
}


@dataclass(frozen=True, eq=False)
class Features:
    """What URIEL knows of some languages.

    Attributes:
        codes: ISO 639-3, n of them.
        names: of the F features.
        values: float64 [n, F, sources], 0 to 1; NaN where a source is silent.
        source: the distribution and its version.
    """

    codes: tuple[str, ...]
    names: tuple[str, ...]
    values: NDArray[np.float64]
    source: str


def read_features(codes: Sequence[str], kind: str) -> Features:
    """Return the features of one kind.

    A language without any ancestor in the genetic array has no values there: the array does not tell an isolate
    (Basque) from a code that nobody classified (`ekk`, Standard Estonian).

    Args:
        codes: ISO 639-3. Those of our table are in `isogloss.languages`.
        kind: one of `KINDS`. The genetic features are ancestors in the family tree, the geographic ones nearness to
            299 points on the globe.

    Raises:
        Mistakes: `urielplus` is not installed, there is no such kind, or URIEL does not have a code.
    """
    if kind not in KINDS:
        raise mistake(f'no kind of distance is called "{kind}"', where="kind", remedy=nearest(kind, KINDS))
    path, source = _shipped(_FILES.get(kind, "features.npz"))
    with np.load(path, allow_pickle=False) as arrays:
        rows = {str(code): row for row, code in enumerate(arrays["langs"])}
        lacking = [code for code in codes if code not in rows]
        if lacking:
            raise Mistakes(Mistake(f'URIEL has no code "{code}"', "languages", "leave it out") for code in lacking)
        names = np.array([str(name) for name in arrays["feats"]])
        columns = np.flatnonzero(np.char.startswith(names, _PREFIXES.get(kind, "")))
        values = arrays["data"][[rows[code] for code in codes]][:, columns].astype(np.float64)
    values[values < 0] = np.nan
    if kind == "genetic":
        values[~values.any(axis=(1, 2))] = np.nan
    return Features(tuple(codes), tuple(names[columns].tolist()), values, source)


def refuse_macrolanguages(keys: Sequence[str]) -> None:
    """Refuse codes of ISO 639-3 that stand for several languages.

    URIEL has rows for them, in which several languages are mixed and few ancestors are left (`zho` has one). lang2vec
    gave distances by these codes without data of them (`isogloss.analysis.legacy`).

    Raises:
        Mistakes: which of `keys` are such codes, and the keys to use instead.
    """
    known = languages()
    found = []
    for code in keys:
        if code in _MEMBERS:
            instead = " or ".join(f'"{key}" ({known[key].name}, {known[key].iso639_3})' for key in _MEMBERS[code])
            found.append(Mistake(f'"{code}" is a macrolanguage, not one language', "languages", f"write {instead}"))
    if found:
        raise Mistakes(found)


def _shipped(name: str) -> tuple[Path, str]:
    """Return the path of an array file, and the distribution that ships it."""
    try:
        found = distribution("urielplus")
    except PackageNotFoundError:
        raise mistake("urielplus is not installed", where="URIEL", remedy=_REMEDY) from None
    path = Path(str(found.locate_file(f"urielplus/database/original_uriel/{name}")))
    if not path.is_file():
        what = f"urielplus {found.version} does not ship {name} where 1.3 does"
        raise mistake(what, where="URIEL", remedy=_REMEDY)
    return path, f"urielplus {found.version}"
