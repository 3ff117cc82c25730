"""`isogloss push RUN NAME`: a run's model to the Hugging Face hub, the very folder that `export` writes."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from isogloss.cli.options import (
    DEFAULT_STORE,
    DataOption,
    ModelArgument,
    SeedOption,
    StoreOption,
    WithTextsOption,
    folders,
)
from isogloss.errors import mistake

if TYPE_CHECKING:
    from huggingface_hub import HfApi


def push(
    run: ModelArgument,
    name: Annotated[str, typer.Argument(help="On the hub: NAME, or OWNER/NAME.", metavar="NAME")],
    *,
    private: Annotated[bool, typer.Option("--private", help="Only you, or your organisation, can see it.")] = False,
    seed: SeedOption = None,
    with_texts: WithTextsOption = False,
    data: DataOption = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Upload a run's model with its card to the Hugging Face hub."""
    from huggingface_hub import HfApi, get_token

    from isogloss.cli.model_folder import Taken
    from isogloss.evaluation.seeds import pick
    from isogloss.store import Store

    _check_name(name)
    if get_token() is None:
        remedy = "log in with `hf auth login`, or set HF_TOKEN to a token that may write"
        raise mistake("the hub is not told who you are: there is no token", where="push", remedy=remedy)
    opened = Store(store)
    taken = Taken(opened, pick(opened, run, seed), folders(data), with_texts=with_texts, offline=False)
    if taken.picked.how:
        typer.echo(f"took {taken.picked.run.address}: {taken.picked.how}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "model"
        taken.write(folder)
        address = _uploaded(HfApi(), folder, name, taken.picked.run.address, private=private)
    typer.echo(f"pushed {taken.picked.run.address} to {address}")


def _check_name(name: str) -> None:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        validate_repo_id(name)
    except HFValidationError as fault:
        told = str(fault).splitlines()[0]
        raise mistake(f"is no name on the hub ({told})", where=name, remedy="write NAME, or OWNER/NAME") from None


def _uploaded(api: HfApi, folder: Path, name: str, run: str, *, private: bool) -> str:
    """Upload a folder in one commit, and return the address of its page.

    Raises:
        Mistakes: the hub refuses or cannot be reached, or what is to be private would be seen by all.
    """
    try:
        page = api.create_repo(name, repo_type="model", private=private or None, exist_ok=True)
        seen = private and not api.model_info(page.repo_id).private
        if not seen:
            api.upload_folder(
                repo_id=page.repo_id, folder_path=folder, repo_type="model", commit_message=f"Isogloss: {run}"
            )
    except Exception as fault:  # noqa: BLE001 (of the client or its transport; their classes change with its version)
        told = " ".join(str(fault).split())[:200] or type(fault).__name__
        remedy = "check name, network and what the token may do; the same command tries again"
        raise mistake(f"cannot be pushed ({told})", where=name, remedy=remedy) from None
    if seen:
        remedy = "name another one, or make it private on its page first"
        raise mistake("is there already, and everybody can see it", where=f"{name} --private", remedy=remedy)
    return str(page)
