"""Texts that offsets go wrong over, tokenizers for them, and what tests of windows ask."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
from tokenizers import processors

from isogloss.kinds.characters import cut
from isogloss.kinds.windows import Windows, windows
from kinds import trained

# Words stand between white space.
CONTEXTS = (
    "The quick  brown fox\tjumps over\n\nthe lazy dog , and the 3.5 km walk (in 1973) cost $40 million .",
    "Die Familie \U0001f469‍\U0001f469‍\U0001f467‍\U0001f466 fuhr nach \U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7 ❤️ "
    "und \U0001f44d\U0001f3fd zurück .",
    "Le cafe\u0301 de Zu\u0308rich et le café de Genève coûtent ½ franc ﬁn № 5 .",
    "Kelime \u200eişaretli\u200f ve gi\u00adzli bir \u200bson\u200b söz , \u200d tek başına \ufeff .",
    "وُلِدَ الشاعر في مدينة القاهرة سنة ١٩٧٣ ، وكان كتابه «الأول» مشهورًا .",
    "נוֹלַד המשורר בעיר ירושלים בשנת 1973 , ו ספרו ה־ראשון נודע בעולם .",
    "कवि का जन्म दिल्ली में हुआ था , और क्षत्रिय ज़मीन पर उनकी पहली किताब लिखी गई ।",
    "กวี เกิด ที่ กรุงเทพมหานคร ใน ปี พ.ศ. ๒๕๑๖ และ น้ำ ใจ ของเขา ไม่มีที่สิ้นสุด",
    "诗人 1973 年 出生于 北京市 。 他的第一本书 《 红楼 》 在 中国 很有名 。",
    "한국의 시인은 서울에서 태어났다 . 각 나라 \u1112\u1161\u11ab\u1100\u1173\u11af 의 첫 책 .",
    "Mixed 東京タワー and برج طوكيو with हिन्दी plus \U0001f5fc !\r\n\u3000Ｆｕｌｌ　ｗｉｄｔｈ\xa0nbsp .",
)
QUESTIONS = (
    *("Where ?", "Wer fuhr ?", "Où est le café ?", "Ne ?", "أين وُلِدَ ؟", "איפה ?"),
    *("कहाँ ?", "ที่ไหน ?", "哪里 ？", "어디 ?", "\U0001f5fc ?"),
)


def untrimmed(tokenizer: Any) -> Any:
    tokenizer = copy.deepcopy(tokenizer)
    tokenizer.backend_tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), False)
    return tokenizer


BYTES = trained.byte_level(CONTEXTS, 600)
TOKENIZERS = {
    "wordpiece": trained.wordpiece(CONTEXTS, 350, lowercase=False),
    "wordpiece, accents stripped": trained.wordpiece(CONTEXTS, 350),
    "unigram": trained.unigram(CONTEXTS, 350),
    "unigram, unknown as bytes": trained.unigram([CONTEXTS[0]], 320, bytes_for_unknown=True),
    "bytes, trimmed": BYTES,
    "bytes": untrimmed(BYTES),
    "bytes alone": untrimmed(trained.byte_level([""], 260)),
}


class Encoding(NamedTuple):
    ids: list[int]
    offsets: list[tuple[int, int]]

    def __len__(self) -> int:
        return len(self.ids)


class InBytes:
    """A tokenizer whose offsets count bytes of UTF-8; of one byte a token, where it has merged none."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    def __call__(self, texts: Any, *args: Any, **settings: Any) -> Any:
        encoded = self.tokenizer(texts, *args, **settings)
        if isinstance(texts, list):
            pairs = zip(texts, encoded.encodings, strict=True)
            encoded = SimpleNamespace(encodings=[Encoding(each.ids, self.offsets(text, each)) for text, each in pairs])
        return encoded

    @staticmethod
    def offsets(text: str, encoding: Any) -> list[tuple[int, int]]:
        if len(encoding.ids) == len(text.encode()):
            return [(byte, byte + 1) for byte in range(len(encoding.ids))]
        return [(len(text[:start].encode()), len(text[:end].encode())) for start, end in encoding.offsets]


class Counting:
    """A tokenizer that keeps the texts that it was given."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.texts: list[str] = []

    def __call__(self, texts: Any, *args: Any, **settings: Any) -> Any:
        self.texts += [texts] if isinstance(texts, str) else texts
        return self.tokenizer(texts, *args, **settings)


def words(context: str) -> list[tuple[int, int]]:
    """Every stretch of one to four words, as characters."""
    inner = [not character.isspace() for character in context]
    starts = [i for i in range(len(context)) if inner[i] and (i == 0 or not inner[i - 1])]
    stops = [i + 1 for i in range(len(context)) if inner[i] and (i + 1 == len(context) or not inner[i + 1])]
    return [(a, b) for first, a in enumerate(starts) for b in stops[first : first + 4]]


def answered(context: str, spans: list[tuple[int, int]], tokenizer: Any, **settings: Any) -> Windows:
    """The windows of one context with one example for each span, which is its answer."""
    answers = [[(context[start:end], start)] for start, end in spans]
    return windows(["Where ?"] * len(spans), [context] * len(spans), answers, tokenizer, **settings)


def recovered(made: Windows, window: int, context: str) -> str:
    """What the gold tokens of a window say."""
    assert made.gold is not None
    first = made.offsets[window]
    start, end = made.char_start[first + made.gold.start[window]], made.char_end[first + made.gold.end[window]]
    return cut(context, start, end)


def tokens(made: Windows, window: int, name: str) -> list[int]:
    flat = getattr(made, name)
    return flat[made.offsets[window] : made.offsets[window + 1]].tolist()


def assert_equal(left: Windows, right: Windows) -> None:
    for name in ("input_ids", "char_start", "char_end", "offsets", "example"):
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name), err_msg=name)
