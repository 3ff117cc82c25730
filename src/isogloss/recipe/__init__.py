"""TOML to a checked, immutable recipe, and from there to the phases to run; nothing here imports torch."""
