"""A learner as ONNX: written from the ordinary export, held against it, quantised where that is asked for.

What is converted is the plain model that transformers loads from `isogloss.learner.export`'s folder, with its own
eager attention: nothing of the learner's hooks can be in it. The exporter is torch's newer one (`dynamo=True`); the
older one, which traces, leaves out the padding mask of transformers 5 without a word.
"""

from __future__ import annotations

import inspect
import json
import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import torch
import transformers
from torch import Tensor, nn

from isogloss.data.batch import Batch
from isogloss.data.stream import length_batches
from isogloss.errors import mistake
from isogloss.kinds.base import Kind, Predictions
from isogloss.learner.quiet import quiet
from isogloss.learner.reading import gather, placed_logits
from isogloss.store.files import whole_folder

if TYPE_CHECKING:
    from isogloss.data.bag import Bag

MODEL = "model.onnx"
TOLERANCE = 1e-4
_BESIDE = ("config.json", "README.md", "tokenizer*", "special_tokens_map.json", "vocab*", "merges.txt", "spiece.model")
_MADE_UP = ((1, 1.0), (3, 0.3), (5, 0.6), (4, 0.05))  # rows, and which share of the greatest length the longest has
_READ_TOKENS = 2048  # a batch, padding included


class PlainModel:
    """The model of an ordinary export, as transformers loads it: float32, eager attention, evaluation.

    Args:
        folder: what `Learner.export` wrote.
        kind: of its head.
    """

    def __init__(self, folder: Path, kind: Kind) -> None:
        head = getattr(transformers, kind.auto_class)
        with quiet():
            self.network: nn.Module = head.from_pretrained(
                folder, dtype=torch.float32, attn_implementation="eager", local_files_only=True
            ).eval()
            self.tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
        known = inspect.signature(self.network.forward).parameters
        self.inputs = tuple(name for name in self.tokenizer("a", padding=True) if name in known)
        self._kind = kind

    def logits(self, batch: Batch) -> Tensor:
        """Return the logits of a batch as the kind reads them."""
        with torch.inference_mode():
            output = self.network(**{name: batch.inputs[name] for name in self.inputs})
        return self._kind.logits(output, batch.inputs["attention_mask"])


class OnnxModel:
    """An ONNX file that this module wrote, in onnxruntime on the CPU.

    Args:
        path: the file.
        kind: of its head.

    Attributes:
        metadata: what it says of itself.
    """

    def __init__(self, path: Path, kind: Kind) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = torch.get_num_threads()
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._inputs = [each.name for each in self._session.get_inputs()]
        self._outputs = [each.name for each in self._session.get_outputs()]
        self.metadata: Mapping[str, str] = self._session.get_modelmeta().custom_metadata_map
        self._kind = kind

    def logits(self, batch: Batch) -> Tensor:
        """Return the logits of a batch as the kind reads them."""
        found = self._session.run(self._outputs, {name: batch.inputs[name].numpy() for name in self._inputs})
        output = SimpleNamespace(
            **{name: torch.from_numpy(each) for name, each in zip(self._outputs, found, strict=True)}
        )
        return self._kind.logits(output, batch.inputs["attention_mask"])

    def predict(self, bag: Bag, max_length: int) -> Predictions:
        """Return the kind's predictions for a bag's examples, in the bag's order, as `Learner.predict` does."""
        return gather(bag, placed_logits(length_batches(bag, _READ_TOKENS, max_length), self.logits), self._kind)


def write_onnx(
    ordinary: Path,
    folder: Path,
    kind: Kind,
    *,
    max_length: int,
    metadata: Mapping[str, str],
    rows: Iterable[Bag] = (),
) -> float:
    """Write `model.onnx` with its tokenizer, configuration and card, whole or not at all.

    Both axes of every input are free. It is held against torch on made-up rows and on `rows`.

    Args:
        ordinary: what `Learner.export` wrote.
        folder: where to; must not exist yet.
        kind: of its head.
        max_length: tokens a window at most.
        metadata: what the file is to say of itself.
        rows: examples to hold it against torch on.

    Returns:
        The greatest difference of a logit from torch's.

    Raises:
        Mistakes: onnx or onnxruntime is missing, the folder exists, or logits differ by more than 1e-4.
    """
    require_onnx()
    refuse_existing(folder)
    plain = PlainModel(ordinary, kind)
    with whole_folder(folder) as unfinished:
        path = unfinished / MODEL
        _convert(plain, path)
        worst = worst_difference(plain, OnnxModel(path, kind), _batches(plain, max_length, rows))
        if not worst <= TOLERANCE:
            what = f"a logit differs by {worst:.1e} from torch's, more than {TOLERANCE:g}"
            remedy = "export without it, and please report the encoder"
            raise mistake(what, where=f"--format onnx, {folder}", remedy=remedy)
        _annotate(path, {**metadata, "max_length": str(max_length), "precision": "float32"})
        _copy(ordinary, unfinished)
    return worst


def write_int8(whole: Path, folder: Path) -> None:
    """Write what `write_onnx` wrote with weights of 8 bits: onnxruntime's dynamic quantisation.

    Activations are quantised as they occur, batch by batch: a row's logits depend a little on the rows beside it.

    Args:
        whole: the folder of the float32 model.
        folder: where to; must not exist yet.

    Raises:
        Mistakes: the folder exists.
    """
    refuse_existing(folder)
    with whole_folder(folder) as unfinished:
        _quantise(whole / MODEL, unfinished / MODEL)
        _annotate(unfinished / MODEL, {**_metadata(whole / MODEL), "precision": "int8"})
        _copy(whole, unfinished)


def refuse_existing(folder: Path) -> None:
    """Raise Mistakes where there is something of that name already: nothing is overwritten."""
    if folder.exists():
        raise mistake("exists already", where=str(folder), remedy="name a folder that does not exist yet")


def require_onnx() -> None:
    """Raise Mistakes unless onnx, onnxruntime and onnxscript are installed."""
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # type: ignore[import-not-found,unused-ignore]  # noqa: F401 (torch writes through it)
    except ImportError as error:
        what = f"ONNX is written with onnx, onnxruntime and onnxscript ({error.name} is missing)"
        raise mistake(what, where="--format onnx", remedy="pip install 'isogloss[onnx]'") from error


def worst_difference(plain: PlainModel, model: OnnxModel, batches: Iterable[Batch]) -> float:
    """Return the greatest difference of a logit; where both are -inf, as at padding, there is none."""
    worst = 0.0
    for batch in batches:
        ours, theirs = model.logits(batch), plain.logits(batch)
        apart = torch.where(ours == theirs, 0.0, (ours - theirs).abs())
        worst = max(worst, float(torch.nan_to_num(apart, nan=float("inf"), posinf=float("inf")).max()))
    return worst


class _Positional(nn.Module):
    """A network whose inputs come in order and whose outputs are its logits, in order."""

    def __init__(self, network: nn.Module, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> None:
        super().__init__()
        self.network, self._inputs, self._outputs = network, inputs, outputs

    def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
        output = self.network(**dict(zip(self._inputs, given, strict=True)))
        return tuple(output[name] for name in self._outputs)


def _convert(plain: PlainModel, path: Path) -> None:
    batch = _made_up(plain, rows=2, longest=8)
    given = tuple(batch.inputs[name] for name in plain.inputs)
    with torch.inference_mode():
        found = plain.network(**dict(zip(plain.inputs, given, strict=True)))
    outputs = tuple(name for name in found if name.endswith("logits"))
    free = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    with _silent():
        torch.onnx.export(
            _Positional(plain.network, plain.inputs, outputs),
            given,
            str(path),
            input_names=list(plain.inputs),
            output_names=list(outputs),
            dynamic_shapes=(tuple(free for _ in given),),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    _name_axes(path)


def _name_axes(path: Path) -> None:
    """Call the two free axes batch and sequence wherever they occur."""
    import onnx

    model = onnx.load(path)
    axes = model.graph.input[0].type.tensor_type.shape.dim
    names = {axis.dim_param: name for axis, name in zip(axes, ("batch", "sequence"), strict=True)}
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        for axis in value.type.tensor_type.shape.dim:
            if axis.dim_param in names:
                axis.dim_param = names[axis.dim_param]
    onnx.save(model, path)


def _quantise(path: Path, quantised: Path) -> None:
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model = onnx.load(path)
    del model.graph.value_info[:]  # weights are turned round, and their shapes then differ from what it says
    with tempfile.TemporaryDirectory() as temporary, _silent():
        bare = Path(temporary) / MODEL
        onnx.save(model, bare)
        quantize_dynamic(bare, quantised, weight_type=QuantType.QInt8, per_channel=True)


def _copy(source: Path, folder: Path) -> None:
    """Copy tokenizer, configuration and card; the folder may be read by whoever may read its parent."""
    for pattern in _BESIDE:
        for beside in source.glob(pattern):
            shutil.copyfile(beside, folder / beside.name)
    folder.chmod(0o755)


def _metadata(path: Path) -> dict[str, str]:
    import onnx

    return {each.key: each.value for each in onnx.load(path).metadata_props}


def _annotate(path: Path, metadata: Mapping[str, str]) -> None:
    import onnx

    model = onnx.load(path)
    onnx.helper.set_model_props(model, dict(metadata))
    for part in (*model.graph.node, *model.functions, *(node for each in model.functions for node in each.node)):
        part.ClearField("metadata_props")  # torch writes where on this machine each operation was called
        part.ClearField("doc_string")
    onnx.save(model, path)


def described(kind: Kind, labels: Iterable[str], temperature: float | None, run: str) -> dict[str, str]:
    """Return what an ONNX file says of itself, beside its greatest length and precision."""
    told = {
        "kind": kind.name,
        "settings": json.dumps(dict(kind.settings)),
        "labels": json.dumps(list(labels)),
        "run": run,
    }
    return told if temperature is None else {**told, "temperature": repr(temperature)}


def _batches(plain: PlainModel, max_length: int, rows: Iterable[Bag]) -> Iterator[Batch]:
    for count, share in _MADE_UP:
        yield _made_up(plain, rows=count, longest=max(1, round(share * max_length)))
    for bag in rows:
        for _, batch in length_batches(bag, _READ_TOKENS, max_length):
            yield batch


def _made_up(plain: PlainModel, *, rows: int, longest: int) -> Batch:
    """Return rows of random tokens, each as long as the one before or shorter; the same ones every time."""
    generator = np.random.default_rng([rows, longest])
    special = set(plain.tokenizer.all_special_ids)
    words = np.array([token for token in range(len(plain.tokenizer)) if token not in special])
    lengths = np.sort(generator.integers(1, longest + 1, rows))[::-1]
    lengths[0] = longest
    mask = np.arange(longest) < lengths[:, None]
    tokens = np.where(mask, generator.choice(words, (rows, longest)), plain.tokenizer.pad_token_id)
    values = {"input_ids": tokens, "attention_mask": mask}
    inputs = {name: torch.from_numpy(values.get(name, np.zeros_like(tokens)).astype(np.int64)) for name in plain.inputs}
    return Batch(inputs, {}, torch.arange(rows), tuple(map(str, range(rows))), ("und",) * rows)


@contextmanager
def _silent() -> Iterator[None]:
    """Keep the exporter and the quantiser from writing to the terminal."""
    loggers = [logging.getLogger(name) for name in ("", "torch", "torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), quiet():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
