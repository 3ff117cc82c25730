"""Layer groups of every class."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from isogloss.errors import Mistakes
from isogloss.learner.groups import anatomy
from learner import tiny


@pytest.mark.parametrize("model_type", tiny.CLASSES)
def test_every_parameter_has_one_group(encoder: Callable[[str], Path], model_type: str) -> None:
    learner = tiny.load(encoder(model_type))
    groups = learner.groups
    assert groups.names == ("embeddings", "layer.1", "layer.2", "layer.3", "head")
    members = [name for group in groups.names for name in groups.members(group)]
    assert sorted(members) == sorted(learner.params)
    assert all(groups.members(group) for group in groups.names)
    assert all(groups.of[name] == group for group in groups.names for name in groups.members(group))


@pytest.mark.parametrize(
    ("model_type", "name", "group"),
    [
        ("bert", "bert.pooler.dense.weight", "head"),
        ("bert", "bert.embeddings.LayerNorm.bias", "embeddings"),
        ("bert", "bert.encoder.layer.2.output.LayerNorm.bias", "layer.3"),
        ("xlm-roberta", "classifier.dense.weight", "head"),
        ("modernbert", "model.final_norm.weight", "layer.3"),
        ("modernbert", "head.norm.weight", "head"),
        ("distilbert", "pre_classifier.bias", "head"),
        ("deberta-v2", "deberta.encoder.rel_embeddings.weight", "embeddings"),
        ("deberta-v2", "deberta.encoder.conv.conv.weight", "layer.1"),
        ("deberta-v2", "pooler.dense.weight", "head"),
    ],
)
def test_poolers_and_norms_are_where_they_belong(
    encoder: Callable[[str], Path], model_type: str, name: str, group: str
) -> None:
    assert tiny.load(encoder(model_type)).groups.of[name] == group


def test_an_unknown_class_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(Mistakes, match=r"gpt2.*bert, deberta-v2"):
        anatomy("gpt2", "somewhere")
