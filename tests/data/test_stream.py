from collections import Counter

import numpy as np
import pytest

from isogloss.data.stream import Stream, length_batches
from isogloss.keys import Key

from .conftest import make_bag

KEY = Key(1, "source")


def _bags(*sizes, seed=0):
    generator, first, bags = np.random.default_rng(seed), 0, []
    for number, size in enumerate(sizes):
        bags.append(make_bag(generator.integers(3, 120, size), language=f"l{number}", first=first))
        first += size
    return bags


def _ids(stream, steps):
    return [stream[step].ids for step in steps]


@pytest.mark.parametrize(("sizes", "batch_size", "window"), [((100, 37), 8, 3), ((5,), 8, 50), ((64, 64), 16, 1)])
def test_an_epoch_holds_every_example_once(sizes, batch_size, window):
    stream = Stream(_bags(*sizes), batch_size=batch_size, key=KEY, bucket_window=window)
    assert stream.batches_per_epoch == -(-sum(sizes) // batch_size)
    for epoch in range(3):
        steps = range(epoch * stream.batches_per_epoch, (epoch + 1) * stream.batches_per_epoch)
        batches = _ids(stream, steps)
        assert Counter(name for ids in batches for name in ids) == Counter(map(str, range(sum(sizes))))
        assert sorted(map(len, batches))[1:] == [batch_size] * (len(batches) - 1)


def test_a_step_is_the_same_whatever_was_asked_before():
    stream, resumed = (Stream(_bags(50, 41), batch_size=8, key=KEY) for _ in range(2))
    straight = _ids(stream, range(30))
    assert _ids(resumed, range(17, 30)) == straight[17:]
    assert _ids(resumed, [3, 29, 0, 13]) == [straight[step] for step in (3, 29, 0, 13)]


def test_keys_and_epochs_differ():
    bags = _bags(91)
    stream = Stream(bags, batch_size=8, key=KEY)
    epochs = [_ids(stream, range(12 * epoch, 12 * epoch + 12)) for epoch in range(2)]
    assert epochs[0] != epochs[1]
    for other in (
        KEY._replace(seed=2),
        KEY._replace(phase="adapt"),
        KEY._replace(step=1),
        KEY._replace(purpose="q"),
    ):
        assert _ids(Stream(bags, batch_size=8, key=other), range(12)) != epochs[0]


def test_the_order_does_not_follow_the_global_generator():
    bags = _bags(40)
    np.random.seed(0)
    first = _ids(Stream(bags, batch_size=8, key=KEY), range(5))
    np.random.seed(1)
    assert _ids(Stream(bags, batch_size=8, key=KEY), range(5)) == first


def _padding(stream):
    there = [stream[step].inputs["attention_mask"].numpy() for step in range(stream.batches_per_epoch)]
    return 1 - sum(mask.sum() for mask in there) / sum(mask.size for mask in there)


def test_a_batch_holds_texts_of_like_length():
    bags = _bags(1500, 1500)
    assert _padding(Stream(bags, batch_size=16, key=KEY)) < 0.03
    assert _padding(Stream(bags, batch_size=16, key=KEY, bucket_window=1)) > 0.3


def test_long_texts_come_early_and_late():
    stream = Stream(_bags(3000), batch_size=16, key=KEY)
    widths = np.array([stream[step].inputs["input_ids"].shape[1] for step in range(stream.batches_per_epoch)])
    steps = np.arange(len(widths))
    assert abs(np.corrcoef(steps, widths)[0, 1]) < 0.25
    assert abs(np.corrcoef(widths[1:], widths[:-1])[0, 1]) < 0.25


def test_batches_mix_the_bags():
    stream = Stream(_bags(300, 100), batch_size=40, key=KEY, bucket_window=1)
    batch = stream[0]
    assert set(batch.languages) == {"l0", "l1"}
    assert all(
        (int(name) >= 300) == (language == "l1") for name, language in zip(batch.ids, batch.languages, strict=True)
    )


@pytest.mark.parametrize("size", [96, 101, 5])
def test_examples_are_counted_without_drawing_batches(size):
    stream = Stream(_bags(size), batch_size=8, key=KEY, bucket_window=3)
    sizes = np.array([len(stream[step]) for step in range(3 * stream.batches_per_epoch)])
    for start in range(0, len(sizes), 4):
        for stop in range(start, len(sizes), 3):
            assert stream.examples(start, stop) == sizes[start:stop].sum()


def test_what_is_no_stream():
    for arguments in ({"batch_size": 0}, {"batch_size": 8, "bucket_window": 0}):
        with pytest.raises(ValueError, match="sizes of at least 1"):
            Stream(_bags(3), **arguments, key=KEY)
    with pytest.raises(ValueError, match="needs examples"):
        Stream([], batch_size=8, key=KEY)
    with pytest.raises(IndexError, match="step -1"):
        Stream(_bags(3), batch_size=8, key=KEY)[-1]


def test_evaluation_batches_keep_within_their_tokens():
    (bag,) = _bags(200)
    batches = list(length_batches(bag, 256, max_length=119))
    positions = np.concatenate([positions for positions, _ in batches])
    assert sorted(positions.tolist()) == list(range(200))
    assert [name for _, batch in batches for name in batch.ids] == bag.ids[positions].tolist()
    shapes = [batch.inputs["input_ids"].shape for _, batch in batches]
    assert all(examples * width <= 256 for examples, width in shapes)
    widths = [width for _, width in shapes]
    assert widths == sorted(widths, reverse=True)
    assert [len(batch) for _, batch in length_batches(bag, 2, max_length=119)] == [1] * 200


def test_evaluation_batches_have_few_shapes_and_never_more_tokens_than_an_encoder_reads():
    bag = make_bag(range(1, 115))
    widths = {batch.inputs["input_ids"].shape[1] for _, batch in length_batches(bag, 120, max_length=114)}
    octaves = {*range(1, 9), 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112}
    assert widths <= octaves | {114}
    assert 114 in widths
    batch = next(iter(length_batches(bag, 10_000, max_length=114)))[1]
    assert batch.inputs["attention_mask"].sum(1).tolist() == list(range(114, 25, -1))[: len(batch)]
