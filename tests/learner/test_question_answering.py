"""Question answering from rows to windows, batches, losses, gradients and answers; examples have several windows."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from isogloss import registry
from isogloss.data.bag import Bag
from isogloss.data.batch import collate
from isogloss.data.encode import encode
from isogloss.data.rows import Rows
from isogloss.data.stream import Stream, length_batches
from isogloss.data.task import Task
from isogloss.errors import Mistakes
from isogloss.keys import Key
from isogloss.kinds.base import kind_of
from isogloss.kinds.question_answering import QuestionAnswering
from isogloss.learner.learner import Learner
from isogloss.objectives.cross_entropy import CrossEntropy
from learner import tiny

KIND = QuestionAnswering(stride=3, max_answer_tokens=6)
OBJECTIVE = CrossEntropy(KIND)
KEY = Key(5, "meta")
LENGTHS = (6, 30, 9, 17, 8, 24)  # words of the contexts: one window or several of at most 16 tokens
TASK = Task("qa", "question_answering", ("en",), ("question", "context"), answers="answers")
CLASSES = [name for name in tiny.CLASSES if name != "deberta-v2"]

Encoder = Callable[[str], Path]


def rows(lengths: tuple[int, ...] = LENGTHS, *, known: bool = True) -> Rows:
    """Questions of two words; the answer is two words of the context, near its end."""
    generator = np.random.default_rng(1)
    texts, answers = [], []
    for length in lengths:
        words = [f"w{number}" for number in generator.integers(4, tiny.VOCABULARY, length)]
        start = len(" ".join(words[: length - 3])) + 1
        texts.append(("w4 w5", " ".join(words)))
        answers.append(((" ".join(words[length - 3 : length - 1]), start), (words[0], 0)))
    ids = np.array([f"q{row}" for row in range(len(lengths))])
    given = answers if known else None
    return Rows(ids, texts, None, np.arange(len(lengths)), (), {}, "same" if known else "", given, "a.jsonl")


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("tokenizer")
    tiny.save_tokenizer(folder)
    return transformers.AutoTokenizer.from_pretrained(folder)


@pytest.fixture
def bag(tokenizer: Any, tmp_path: Path) -> Bag:
    return encode(rows(), TASK, "en", "test", tokenizer, KIND, max_length=16, cache=tmp_path / "bags")


def load(folder: Path, **settings: Any) -> Learner:
    return tiny.load(folder, **({"labels": (), "kind": KIND, "max_length": 16} | settings))


def test_it_is_registered_and_made_of_its_settings() -> None:
    assert registry.load("kinds", "question_answering") is QuestionAnswering
    made = kind_of("question_answering", {"rule": "mlqa", "stride": 64}, "task x")
    assert made.settings == {"rule": "mlqa", "stride": 64, "max_answer_tokens": 30, "n_best": 20}
    assert made.primary == "mlqa_f1"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rule": "mqla"}, r'task x: kind.rule.*no such rule.*"mlqa"'),
        ({"strid": 3}, r'no setting "strid".*"stride"'),
        ({"n_best": 0}, r"kind.n_best.*greater than or equal to 1"),
        ({"stride": True}, r"kind.stride"),
    ],
)
def test_settings_that_are_wrong_are_told_in_one_line(settings: Any, message: str) -> None:
    with pytest.raises(Mistakes, match=message):
        kind_of("question_answering", settings, "task x")


def test_a_rule_that_does_not_know_a_language_refuses_it() -> None:
    kind = QuestionAnswering(rule="mlqa")
    kind.check_language("zh/en", "task mlqa")
    with pytest.raises(Mistakes, match='task x: the rule "mlqa" does not know the language "th"'):
        kind.check_language("th/en", "task x")  # the answer is of the context, whatever the question's language


def test_a_bag_keeps_the_windows_of_an_example_together(bag: Bag) -> None:
    """Red when windows are taken for examples, or a subset takes its windows from the bag's first rows."""
    assert bag.window_counts.tolist() == [1, 4, 1, 2, 1, 3]
    assert bag.lengths.tolist() == [11, 16, 14, 16, 13, 16]
    some = bag.subset(ids=["q1", "q3", "q4"])
    assert some.windows.tolist() == [0, 4, 6, 7]
    assert some.texts("context") == [rows().texts[row][1] for row in (1, 3, 4)]
    for number, row in enumerate((1, 3, 4)):
        for window in range(some.window_counts[number]):
            own, whole = some.tokens(number, window), bag.tokens(row, window)
            assert own["input_ids"].tolist() == whole["input_ids"].tolist()
    flat = some.flat(bag.columns.inputs["input_ids"])
    assert flat.tolist() == [n for row in range(3) for w in range(some.window_counts[row])
                             for n in some.tokens(row, w)["input_ids"].tolist()]  # fmt: skip
    windows = [window for row in (1, 3, 4) for window in range(bag.windows[row], bag.windows[row + 1])]
    assert some.targets["start"].tolist() == bag.targets["start"][windows].tolist()
    assert np.isnan(bag.tokens_per_word) or bag.columns.words[bag.window_counts > 1].sum() == 0


def test_a_batch_holds_all_windows_and_is_split_between_examples(bag: Bag) -> None:
    batch = collate([(bag, np.array([1, 0, 3]))])
    assert len(batch) == 3
    assert batch.example.tolist() == [0, 0, 0, 0, 1, 2, 2]
    assert batch.inputs["input_ids"].shape == (7, 16)
    assert batch.ids == ("q1", "q0", "q3")
    shortest, first, third = batch.split(3)
    assert [part.ids for part in (shortest, first, third)] == [("q0",), ("q1",), ("q3",)]
    assert [part.example.tolist() for part in (shortest, first, third)] == [[0], [0] * 4, [0, 0]]
    assert shortest.inputs["input_ids"].shape == (1, 11)
    assert torch.equal(third.targets["start"], batch.targets["start"][5:])
    two, one = batch.split(2)
    assert two.ids == ("q1", "q0")
    assert two.example.tolist() == [0, 0, 0, 0, 1]
    assert one.ids == ("q3",)


def test_evaluation_batches_hold_whole_examples_and_few_tokens(bag: Bag) -> None:
    batches = list(length_batches(bag, 80, 16))
    assert sorted(position for positions, _ in batches for position in positions.tolist()) == list(range(6))
    for positions, batch in batches:
        assert len(batch.inputs["input_ids"]) == bag.window_counts[positions].sum()
        assert batch.inputs["input_ids"].numel() <= 80 or len(positions) == 1


def test_streams_draw_examples_not_windows(bag: Bag) -> None:
    stream = Stream([bag], batch_size=2, key=KEY)
    epoch = [stream[step] for step in range(stream.batches_per_epoch)]
    assert sorted(name for batch in epoch for name in batch.ids) == sorted(bag.ids.tolist())
    assert sum(len(batch.example) for batch in epoch) == bag.windows[-1]


def test_the_loss_is_the_mean_over_examples_of_the_mean_over_windows_of_both_likelihoods() -> None:
    """By hand; red when windows count alike, one side is forgotten, or both are halved."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4, 5, 2, generator=generator, dtype=torch.float64)
    logits[1, 3:] = -torch.inf
    start, end, example = [1, 2, 0, 4], [3, 2, 0, 4], torch.tensor([0, 0, 0, 1])
    targets = {"start": torch.tensor(start), "end": torch.tensor(end)}
    each = [
        -float(logits[w, :, 0].log_softmax(0)[start[w]]) - float(logits[w, :, 1].log_softmax(0)[end[w]])
        for w in range(4)
    ]
    found = KIND.loss(logits, targets, example)
    assert found.tolist() == pytest.approx([sum(each[:3]) / 3, each[3]], abs=1e-12)
    assert KIND.loss(logits.bfloat16(), targets, example).dtype == torch.float32


@pytest.mark.parametrize("model_type", CLASSES)
def test_the_gradient_is_that_of_transformers_own_head(encoder: Encoder, bag: Bag, model_type: str) -> None:
    """Of examples with one window and of one length, where transformers' loss is half of ours."""
    learner = load(encoder(model_type))
    same = collate([(bag, np.array([0]))])
    peer = transformers.AutoModelForQuestionAnswering.from_pretrained(encoder(model_type), dtype=torch.float64).eval()
    peer.load_state_dict({name: value.double() for name, value in learner.params.items()}, strict=False)
    output = peer(**same.inputs, start_positions=same.targets["start"], end_positions=same.targets["end"])
    (2 * output.loss).backward()
    params = tiny.everything(learner)
    found = learner.gradient(params, [same], OBJECTIVE, KEY, train=False)
    assert float(found.loss) == pytest.approx(2 * float(output.loss.detach()), abs=1e-6)
    tiny.assert_close(found.values, {name: peer.get_parameter(name).grad for name in params}, 1e-8)


def test_micro_batches_windows_and_padding_add_up(encoder: Encoder, bag: Bag) -> None:
    """Red when padding takes part in the softmax, or parts weigh by their windows."""
    learner = load(encoder("bert"))
    params, every = tiny.everything(learner), np.arange(6)
    whole = learner.gradient(params, [collate([(bag, every)])], OBJECTIVE, KEY, train=False)
    wide = learner.gradient(params, [collate([(bag, every)], 40)], OBJECTIVE, KEY, train=False)
    singles = [collate([(bag, np.array([row]))]) for row in every]
    alone = [learner.gradient(params, [one], OBJECTIVE, KEY, train=False) for one in singles]
    learner.accumulation = 4
    parts = learner.gradient(params, [collate([(bag, every)])], OBJECTIVE, KEY, train=False)
    for other in (wide, parts):
        assert float(other.loss) == pytest.approx(float(whole.loss), abs=1e-6)
        tiny.assert_close(other.values, whole.values, 1e-9)
    assert float(whole.loss) == pytest.approx(sum(float(one.loss) for one in alone) / 6, abs=1e-6)
    mean = {name: sum(one.values[name] for one in alone) / 6 for name in params}
    tiny.assert_close(mean, whole.values, 1e-9)


@pytest.mark.parametrize("train", [False, True])
def test_the_hessian_product_is_that_of_the_gradient(encoder: Encoder, bag: Bag, train: bool) -> None:
    """Central differences; red when masked logits give NaN in a second derivative."""
    learner = load(encoder("bert"))
    batch, params = collate([(bag, np.array([1, 0]))]), tiny.everything(learner)
    generator = torch.Generator().manual_seed(3)
    vector = {n: torch.randn(p.shape, generator=generator, dtype=p.dtype) for n, p in params.items()}
    product = learner.linearize(params, [batch], OBJECTIVE, KEY, train=train)(dict(vector), last=True)
    ahead, behind = (
        learner.gradient({n: p + e * vector[n] for n, p in params.items()}, [batch], OBJECTIVE, KEY, train=train).values
        for e in (1e-5, -1e-5)
    )
    tiny.assert_close(product, {name: (ahead[name] - behind[name]) / 2e-5 for name in params}, 1e-5)


def test_answers_do_not_depend_on_the_batches(encoder: Encoder, bag: Bag) -> None:
    learner = load(encoder("bert"))
    together, alone = learner.predict(bag), learner.predict(bag, max_tokens=1)
    assert together.texts == alone.texts
    np.testing.assert_allclose(together.probability, alone.probability, atol=1e-6)
    reverse = replace(bag, rows=bag.rows[[4, 1, 5]])
    assert learner.predict(reverse).texts == [together.texts[row] for row in (4, 1, 5)]
    for row, text in enumerate(together.texts):
        assert text == rows().texts[row][1][together.start[row] : together.end[row]]


def test_the_kind_of_the_task_at_hand_says_how_long_an_answer_may_be(encoder: Encoder, bag: Bag) -> None:
    learner = load(encoder("bert"))
    learner.kind = QuestionAnswering(stride=3, max_answer_tokens=1)
    assert {len((text or "").split()) for text in learner.predict(bag).texts} == {1}


def test_a_small_bag_holds_no_file_open(tokenizer: Any, bag: Bag, tmp_path: Path, monkeypatch: Any) -> None:
    """49 cells of a grid have 49 bags; red when each of their arrays keeps a file."""
    assert not any(isinstance(base(array), np.memmap) for array in (*bag.columns.inputs.values(), bag.columns.ids))
    monkeypatch.setattr("isogloss.data.encode._MAPPED", 1)
    mapped = encode(rows(), TASK, "en", "test", tokenizer, KIND, max_length=16, cache=tmp_path / "bags")
    assert isinstance(base(mapped.columns.inputs["input_ids"]), np.memmap)
    assert mapped.tokens(1)["input_ids"].tolist() == bag.tokens(1)["input_ids"].tolist()


def test_too_many_open_files_do_not_cost_a_bag(tokenizer: Any, bag: Bag, tmp_path: Path, monkeypatch: Any) -> None:
    before = sorted(path.stat().st_ino for path in (tmp_path / "bags").rglob("*.npy"))

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(np, "load", full)
    with pytest.raises(Mistakes, match="too many files are open"):
        encode(rows(), TASK, "en", "test", tokenizer, KIND, max_length=16, cache=tmp_path / "bags")
    assert sorted(path.stat().st_ino for path in (tmp_path / "bags").rglob("*.npy")) == before


def base(array: Any) -> Any:
    while array.base is not None and not isinstance(array, np.memmap):
        array = array.base
    return array


def test_scores_that_point_at_the_gold_answer_give_it(bag: Bag) -> None:
    """Red when windows are put together in another order than their scores."""
    scores = np.zeros((bag.offsets[-1], 2), dtype=np.float32)
    held = np.flatnonzero(bag.targets["start"] > 0)
    scores[bag.offsets[held] + bag.targets["start"][held], 0] = 9
    scores[bag.offsets[held] + bag.targets["end"][held], 1] = 9
    found = KIND.decode(bag, scores)
    golds = [answers[0] for answers in rows().answers or ()]
    assert found.texts == [text for text, _ in golds]
    assert found.start.tolist() == [start for _, start in golds]
    outcome = KIND.outcome(bag, found)
    assert KIND.metrics(outcome) == {"generic_f1": 100.0, "generic_exact_match": 100.0}
    assert KIND.answers(bag, found, ())["answer"] == found.texts


def test_a_question_without_an_answer_scores_nothing_and_counts(bag: Bag) -> None:
    scores = np.zeros((bag.offsets[-1], 2), dtype=np.float32)
    scores[bag.offsets[bag.windows[2]] : bag.offsets[bag.windows[3]]] = -np.inf
    found = KIND.decode(bag, scores)
    assert found.texts[2] is None
    outcome = KIND.outcome(bag, found)
    assert (outcome["value"][2], outcome["exact_match"][2], outcome["start"][2]) == (0, 0, -1)
    told = KIND.answers(bag, found, ())
    assert (told["answer"][2], told["answer_probability"][2]) == ("", None)  # NaN would be no JSON
    assert all(0 < probability <= 1 for probability in np.delete(told["answer_probability"], 2))


def test_the_same_answer_to_all_questions_is_a_collapse() -> None:
    assert KIND.collapsed({"answer": ["a", "a"]}, ()) == "'a'"
    assert KIND.collapsed({"answer": ["a", "b"]}, ()) is None


def test_hidden_states_of_an_example_are_the_mean_of_its_windows(encoder: Encoder, bag: Bag) -> None:
    learner = load(encoder("bert"))
    (seen,) = learner.observe(bag.subset(ids=["q3"]))
    assert seen.states.shape == (1 + tiny.N_LAYERS, 1, 16)
    with torch.no_grad():
        batch = collate([(bag, np.array([3]))])
        hidden = learner._network.run(learner._network.weights({}), batch.inputs, None, hidden=True).hidden_states
    for layer, state in enumerate(hidden):
        torch.testing.assert_close(seen.states[layer, 0], state[:, 0].mean(0).float())


@pytest.mark.parametrize("model_type", CLASSES)
def test_transformers_loads_it_with_the_same_logits(
    encoder: Encoder, tmp_path: Path, bag: Bag, model_type: str
) -> None:
    learner = load(encoder(model_type), precision="fp32")
    learner.update({name: value + 0.1 for name, value in tiny.everything(learner).items()})
    learner.export(tmp_path / "out", card="")
    model = transformers.AutoModelForQuestionAnswering.from_pretrained(tmp_path / "out").eval()
    batch = collate([(bag, np.array([3]))])
    with torch.no_grad():
        output = model(**batch.inputs)
        ours = learner._plain_forward(None)(batch)
    there = batch.inputs["attention_mask"] == 1
    for side, theirs in enumerate((output.start_logits, output.end_logits)):
        torch.testing.assert_close(ours[..., side][there], theirs[there], rtol=1e-4, atol=1e-4)
    assert load(tmp_path / "out", precision="fp32").predict(bag).texts == learner.predict(bag).texts


def test_rows_without_answers_can_be_answered(tokenizer: Any, encoder: Encoder, bag: Bag, tmp_path: Path) -> None:
    asked = encode(rows(known=False), TASK, "und", "x", tokenizer, KIND, max_length=16, cache=tmp_path / "asked")
    learner = load(encoder("bert"))
    assert learner.predict(asked).texts == learner.predict(bag).texts


def test_a_number_a_label_is_refused(bag: Bag) -> None:
    with pytest.raises(Mistakes, match="qa en test: a number of examples a label, where examples have no label"):
        bag.subset(per_label=2, key=KEY)


def test_a_cached_bag_is_read_again_and_other_settings_have_their_own(tokenizer: Any, bag: Bag, tmp_path: Path) -> None:
    again = encode(rows(), TASK, "en", "test", tokenizer, KIND, max_length=16, cache=tmp_path / "bags")
    assert again.texts("answers") == bag.texts("answers")
    assert len(list((tmp_path / "bags").iterdir())) == 1
    other = QuestionAnswering(stride=5)
    wider = encode(rows(), TASK, "en", "test", tokenizer, other, max_length=16, cache=tmp_path / "bags")
    assert wider.windows[-1] > bag.windows[-1]
    assert len(list((tmp_path / "bags").iterdir())) == 2
