"""From stored weights back to a learner: the encoder, a head drawn from its key, and what each phase moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isogloss.data.task import load_task
from isogloss.errors import mistake
from isogloss.keys import Key
from isogloss.kinds.base import kind_of
from isogloss.learner.adapters import Adapters
from isogloss.recipe.resolve import kind_of_task
from isogloss.run.provenance import provenance

if TYPE_CHECKING:
    from isogloss.learner.learner import Learner
    from isogloss.recipe.planned import PlannedPhase
    from isogloss.store.runs import RunInfo
    from isogloss.store.store import Store


def phase_spec(planned: PlannedPhase, labels: tuple[str, ...]) -> dict[str, Any]:
    """Return what a phase's folder keeps of what was asked, enough to set its learner up again, and of where."""
    return {
        "name": planned.name,
        "task": planned.task.name,
        "kind": planned.task.kind,
        "kind_settings": dict(kind_of_task(planned.task).settings),
        "languages": planned.trained,
        "seed": planned.seed,
        "stream": planned.stream,
        "after": planned.after,
        "rates_from": planned.rates_from,
        "product": planned.product,
        "encoder": planned.encoder,
        "labels": labels,
        "max_length": planned.max_length,
        "precision": planned.precision,
        **({"adapters": planned.adapters.model_dump(mode="json")} if planned.adapters else {}),
        "settings": planned.phase.model_dump(mode="json"),
        "provenance": provenance(),
    }


def fresh_learner(spec: dict[str, Any], *, offline: bool, recompute: bool = False) -> Learner:
    """Return the learner that a phase with this spec starts from where it comes after no other, without adapters.

    `recompute` turns gradient checkpointing on.

    Raises:
        Mistakes: the encoder cannot be loaded, or does not fit the task.
    """
    from isogloss.learner.learner import Learner

    return Learner.load(
        spec["encoder"],
        labels=tuple(spec["labels"]),
        kind=kind_of(spec["kind"], spec.get("kind_settings", {}), where=f"phase {spec['name']}"),
        head_key=Key(spec["seed"], spec["stream"], purpose="head"),
        max_length=spec["max_length"],
        precision=spec["precision"],
        offline=offline,
        gradient_checkpointing=recompute,
    )


def adapt(learner: Learner, spec: dict[str, Any]) -> None:
    """Give a learner, which stands where a phase with this spec starts, the phase's adapters, or take others out.

    Raises:
        Mistakes: they cannot be had.
    """
    learner.adapt(Adapters.read(spec.get("adapters")), Key(spec["seed"], spec["stream"], purpose="adapters"))


def learner_after(
    store: Store, key: str, *, offline: bool, recompute: bool = False, precision: str | None = None
) -> Learner:
    """Return the learner at the end of a stored phase that has left weights.

    It computes in `precision`; as that phase did if not given.

    Raises:
        Mistakes: the encoder cannot be loaded, or weights of the chain are not kept.
    """
    from safetensors.torch import load_file

    chain = [store.phase(key)]
    while chain[-1].spec["after"] is not None:
        chain.append(store.phase(chain[-1].spec["after"]))
    gone = [folder for folder in chain if not folder.weights.is_file()]
    if gone:
        raise mistake(
            f"the weights of phase {gone[0].spec['name']} were not kept",
            where=str(gone[0].path),
            remedy='run the recipe again with --set keep="all" (--final for the model of all folds)',
        )
    spec = chain[-1].spec | {"precision": precision or chain[0].spec["precision"]}
    learner = fresh_learner(spec, offline=offline, recompute=recompute)
    for folder in reversed(chain):
        adapt(learner, folder.spec)
        learner.update(load_file(folder.weights))
    return learner


def load_learner(store: Store, run: RunInfo, *, offline: bool = False) -> Learner:
    """Return the learner that a run ended with, at the task that the run is tested on.

    Raises:
        Mistakes: the run is not done, or its weights were not kept.
    """
    if run.state != "done":
        raise mistake(f"run {run.key} is {run.state}", where=run.recipe, remedy="run the recipe to its end first")
    if not run.phases:
        what = f"{run.variant} is a simple model, which leaves no weights"
        raise mistake(what, where=run.address, remedy="name a variant that trains an encoder")
    weights = [key for key in run.phases if store.phase(key).spec["product"] == "weights"]
    learner = learner_after(store, weights[-1], offline=offline)
    learner.kind = kind_of_task(load_task(run.tested_on))
    return learner
