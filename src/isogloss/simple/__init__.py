"""The simple things that stand beside a trained encoder: what it must beat to be worth its cost."""
