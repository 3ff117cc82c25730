"""The one loop, and what it turns: optimizer, schedule, checkpoints, choice of a step."""
