# Every target works on a fresh machine with Python 3.11 or newer, make and a package index: .venv is made, and
# installed into anew when what it was installed from has changed.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
SOURCES := pyproject.toml models/isogloss-mini/pyproject.toml constraints.txt
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: quickstart test test-slow lint results docs bench clean

quickstart: $(INSTALLED)
	$(BIN)/isogloss quickstart

# Two workers on two cores: one thread for each, so that they do not fight over them.
test: lint
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 -m "not slow"

# Slow tests differ in length by a hundred times: a worker that is done takes what another has not begun.
test-slow: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal -m slow

lint: $(INSTALLED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

results: $(INSTALLED)
	$(BIN)/python -c 'from pathlib import Path; from isogloss.analysis.statistics.document import keep; keep(Path("docs/statistics"))'
	$(BIN)/python -c 'from pathlib import Path; from isogloss.analysis.selection.document import keep; keep(Path("docs/auxiliary"))'
	$(BIN)/python -c 'from pathlib import Path; from isogloss.evaluation.slopes import keep; keep(Path("docs/results"))'
	$(BIN)/python -c 'from pathlib import Path; from isogloss.analysis.document import rebuild; [rebuild(page, page.with_suffix("")) for page in map(Path, ("docs/statistics.md", "docs/auxiliary.md"))]'
	$(BIN)/python -c 'from pathlib import Path; from isogloss.analysis.document import rebuild; [rebuild(page, Path("docs/results")) for page in Path("docs").glob("*.md") if "<!-- " in page.read_text("utf-8") and not page.with_suffix("").is_dir()]; rebuild(Path("README.md"), Path("docs/results"))'

# The site, in build/site; a warning fails it.
docs: $(INSTALLED)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench: $(INSTALLED)
	$(PIP) --editable models/isogloss-mini --editable '.[dev,bench]'
	$(BIN)/python -m bench

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find src tests bench models -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): $(SOURCES)
	$(PYTHON) -c 'import sys; sys.exit("Isogloss needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(PIP) --editable models/isogloss-mini --editable '.[dev]'
	touch $@
