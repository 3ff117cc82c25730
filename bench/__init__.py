"""Benchmarks: what Isogloss promises about time and memory, measured against what a user would take instead.

Run `python -m bench --list` to see them, `make bench` to run all. Results are in `RESULTS.md`, which the program
writes from `results.json`; both sides of every ratio run on the same machine, in alternation.
"""
