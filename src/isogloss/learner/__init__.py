"""The learner: an encoder and its head, as a function of their parameters."""
