"""What a task asks of a model: how an example is encoded, its loss, its prediction and its metrics."""
