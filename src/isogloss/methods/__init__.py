"""How episodes change a learner: one file a method, each readable beside its paper."""
