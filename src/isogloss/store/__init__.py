"""What was run, on the disk: phases and runs by content key, claimed by one process at a time."""

from isogloss.store.claim import Claim, claim
from isogloss.store.phase import Checkpoint, LearnedRates, PhaseFolder
from isogloss.store.run import RunFolder, RunSpec
from isogloss.store.runs import RunInfo
from isogloss.store.store import Keep, Store

__all__ = [
    "Checkpoint",
    "Claim",
    "Keep",
    "LearnedRates",
    "PhaseFolder",
    "RunFolder",
    "RunInfo",
    "RunSpec",
    "Store",
    "claim",
]
