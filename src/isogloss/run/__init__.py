"""Carry a recipe out: each phase once, each cell scored, whatever fails in one cell kept from stopping the others."""

from __future__ import annotations

from isogloss.run.learners import load_learner
from isogloss.run.rehearsal import rehearse
from isogloss.run.runner import RunReport, run

__all__ = ["RunReport", "load_learner", "rehearse", "run"]
