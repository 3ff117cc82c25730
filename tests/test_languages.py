"""The table against facts that are not its own: languages of data sets, samples of text, distances."""

from __future__ import annotations

import gzip
import math
import re
import unicodedata

import pytest

import isogloss_mini
from isogloss.errors import Mistakes
from isogloss.languages import canonical, cell, get, languages

XNLI = "ar bg de el en es fr hi ru sw th tr ur vi zh"
MASSIVE = (
    "af-ZA am-ET ar-SA az-AZ bn-BD ca-ES cy-GB da-DK de-DE el-GR en-US es-ES fa-IR fi-FI fr-FR he-IL hi-IN "
    "hu-HU hy-AM id-ID is-IS it-IT ja-JP jv-ID ka-GE km-KH kn-IN ko-KR lv-LV ml-IN mn-MN ms-MY my-MM nb-NO "
    "nl-NL pl-PL pt-PT ro-RO ru-RU sl-SL sq-AL sv-SE sw-KE ta-IN te-IN th-TH tl-PH tr-TR ur-PK vi-VN zh-CN "
    "zh-TW"
)
SIB200 = (
    "afr_Latn amh_Ethi arb_Arab azj_Latn ben_Beng bul_Cyrl cat_Latn ces_Latn cym_Latn dan_Latn deu_Latn "
    "ell_Grek eng_Latn est_Latn eus_Latn fin_Latn fra_Latn gle_Latn hau_Latn heb_Hebr hin_Deva hrv_Latn "
    "hun_Latn hye_Armn ibo_Latn ind_Latn isl_Latn ita_Latn jav_Latn jpn_Jpan kat_Geor kaz_Cyrl khm_Khmr "
    "kin_Latn kor_Hang lit_Latn lvs_Latn mal_Mlym mar_Deva mya_Mymr nld_Latn nob_Latn npi_Deva ory_Orya "
    "pan_Guru pes_Arab pol_Latn por_Latn quy_Latn ron_Latn rus_Cyrl sin_Sinh slk_Latn slv_Latn sna_Latn "
    "som_Latn spa_Latn srp_Cyrl swe_Latn swh_Latn tam_Taml tel_Telu tgl_Latn tha_Thai tur_Latn uig_Arab "
    "ukr_Cyrl urd_Arab uzn_Latn vie_Latn wol_Latn xho_Latn yor_Latn zho_Hans zho_Hant zul_Latn"
)
XTREME_R = (
    "af ar az bg bn de el en es et eu fa fi fr gu he hi ht hu id it ja jv ka kk ko lt ml mr ms my nl pa pl "
    "pt qu ro ru sw ta te th tl tr uk ur vi wo yo zh"
)
QUESTION_ANSWERING = "ar bn de el en es fi hi id ko ro ru sw te th tr vi zh"  # XQuAD, MLQA and TyDi QA together

SCRIPTS = {
    "Arab": "ARABIC",
    "Beng": "BENGALI",
    "Cyrl": "CYRILLIC",
    "Deva": "DEVANAGARI",
    "Grek": "GREEK",
    "Hang": "HANGUL",
    "Hans": "CJK",
    "Jpan": "CJK|HIRAGANA|KATAKANA",
    "Latn": "LATIN",
    "Mymr": "MYANMAR",
    "Taml": "TAMIL",
    "Telu": "TELUGU",
    "Thai": "THAI",
}
SELF_NAMES = {
    "am": "አማርኛ",
    "gu": "ગુજરાતી",
    "he": "עברית",
    "hy": "հայերեն",
    "ka": "ქართული",
    "km": "ភាសាខ្មែរ",
    "kn": "ಕನ್ನಡ",
    "ml": "മലയാളം",
    "or": "ଓଡ଼ିଆ",
    "pa": "ਪੰਜਾਬੀ",
    "si": "සිංහල",
    "ug": "ئۇيغۇرچە",
    "kk": "қазақ тілі",
    "mn": "монгол хэл",
}
OTHER_SCRIPTS = {
    "Ethi": "ETHIOPIC",
    "Gujr": "GUJARATI",
    "Hebr": "HEBREW",
    "Armn": "ARMENIAN",
    "Geor": "GEORGIAN",
    "Khmr": "KHMER",
    "Knda": "KANNADA",
    "Mlym": "MALAYALAM",
    "Orya": "ORIYA",
    "Guru": "GURMUKHI",
    "Sinh": "SINHALA",
}


def test_keys_and_shapes() -> None:
    for code, language in languages().items():
        assert code == language.code
        assert re.fullmatch(r"[a-z]{2,3}(-[A-Z][a-z]{3})?", code)
        assert re.fullmatch(r"[a-z]{3}", language.iso639_3)
        assert re.fullmatch(r"[a-z]{4}\d{4}", language.glottocode)
        assert re.fullmatch(r"[A-Z][a-z]{3}", language.script)
        assert -60 < language.latitude < 75
        assert -180 <= language.longitude <= 180
        assert language.family
        assert language.branch
    assert list(languages()) == sorted(languages())


def test_two_rows_differ_in_language_or_script() -> None:
    rows = list(languages().values())
    assert len({language.name for language in rows}) == len(rows)
    assert len({(language.iso639_3, language.script) for language in rows}) == len(rows)


def test_one_branch_lies_in_one_family() -> None:
    families = {(language.branch, language.family) for language in languages().values()}
    assert len(families) == len({branch for branch, _ in families})


@pytest.mark.parametrize("keys", [XNLI, XTREME_R, QUESTION_ANSWERING])
def test_data_sets_that_write_keys(keys: str) -> None:
    assert [get(key).code for key in keys.split()] == keys.split()


def test_massive_locales() -> None:
    found = {locale: canonical(locale) for locale in MASSIVE.split()}
    assert len(set(found.values())) == 52
    special = {"zh-CN": "zh", "zh-TW": "zh-Hant"}
    assert found == {locale: special.get(locale, locale.split("-")[0]) for locale in found}


def test_flores_codes() -> None:
    found = [canonical(code) for code in SIB200.split()]
    assert None not in found
    assert len(set(found)) == 76
    for code, key in zip(SIB200.split(), found, strict=True):
        assert get(str(key)).script == code.split("_")[1]
    assert (canonical("zho_Hans"), canonical("zho_Hant")) == ("zh", "zh-Hant")
    assert canonical("srp_Latn") is None


@pytest.mark.parametrize("path", sorted((isogloss_mini.massive_folder() / "utt").iterdir()), ids=lambda path: path.stem)
def test_script_is_that_of_real_text(path) -> None:
    language = get(str(canonical(path.name.split(".")[0])))
    text = gzip.decompress(path.read_bytes()).decode()
    letters = [unicodedata.name(character, "") for character in text if character.isalpha()]
    of_script = sum(re.match(SCRIPTS[language.script], name) is not None for name in letters)
    assert of_script > 0.9 * len(letters)


@pytest.mark.parametrize(("code", "word"), SELF_NAMES.items())
def test_script_is_that_of_the_languages_own_name(code: str, word: str) -> None:
    name = (SCRIPTS | OTHER_SCRIPTS)[get(code).script]
    assert all(unicodedata.name(letter).startswith(name) for letter in word if letter.isalpha())


def kilometres(one: str, other: str) -> float:
    """Great-circle distance between the points of two languages."""
    a, b = get(one), get(other)
    p, q = math.radians(a.latitude), math.radians(b.latitude)
    angle = math.radians(b.longitude - a.longitude)
    return 6371 * math.acos(math.sin(p) * math.sin(q) + math.cos(p) * math.cos(q) * math.cos(angle))


def test_known_facts() -> None:
    assert [get(code).family for code in ("en", "fi", "sw", "tr", "zh", "ar", "th", "eu")] == [
        "Indo-European",
        "Uralic",
        "Atlantic-Congo",
        "Turkic",
        "Sino-Tibetan",
        "Afro-Asiatic",
        "Tai-Kadai",
        "Basque",
    ]
    assert get("hi").branch == get("ur").branch != get("fa").branch
    assert get("hi").script != get("ur").script
    assert get("zh").iso639_3 == get("zh-Hant").iso639_3
    assert 500 < kilometres("de", "fr") < 1200
    assert 9000 < kilometres("en", "ja") < 10000
    assert 9000 < kilometres("ht", "sw") < 13000  # west of Greenwich is negative
    assert get("id").latitude < 0 < get("th").latitude


@pytest.mark.parametrize(
    ("code", "key"),
    [
        ("zho", "zh"),
        ("zh-CN", "zh"),
        ("zh_TW", "zh-Hant"),
        ("English", "en"),
        ("Englsh", "en"),
        ("ara", "ar"),
        ("iw", "he"),
        ("no", "nb"),
        ("EN", "en"),
    ],
)
def test_get_names_the_key_that_was_meant(code: str, key: str) -> None:
    with pytest.raises(Mistakes, match=f'my.toml: target: .*"{code}".*"{key}"'):
        get(code, where="my.toml: target")


def test_get_of_what_is_no_language() -> None:
    with pytest.raises(Mistakes, match="isogloss list"):
        get("qqqqq")
    assert canonical("qqqqq") is None


def test_a_cell_is_two_languages_and_a_plain_one_has_no_second():
    assert cell("de/en") == ("de", "en")
    assert cell("zh-Hant") == ("zh-Hant", None)
    assert cell("de/") == ("de", "")  # no language: whoever checks keys refuses it
