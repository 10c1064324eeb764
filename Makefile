# Two verbs do everything: `make tower` runs the main job, `make test` checks the whole house.
# Both first build a private virtual environment in .venv.
PYTHON ?= python3.11
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: tower test test-lowest lint types pytest mutants docs clean

$(READY): pyproject.toml constraints.txt
	@echo "Setting up $(VENV); the first time this takes a minute or two."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

tower: $(READY)
	$(BIN)/engager trial run tower

test: lint types pytest

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

pytest: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# On demand: the tests with the lowest versions that pyproject.toml allows of what it names (the rest is the newest, whose
# deprecations the old ones set off: warnings are not errors here).
test-lowest:
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet --disable-pip-version-check uv
	.venv-lowest/bin/uv pip install --quiet --python .venv-lowest/bin/python --resolution lowest-direct --editable '.[dev]'
	.venv-lowest/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -W ignore tests/unit tests/app tests/contracts

# On demand: changes the modules that decide, one operator or number at a time, and counts what their tests notice.
mutants: $(READY)
	$(BIN)/python tests/mutation/run.py --sample 100 --seed 1

docs: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[docs]'
	$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html

clean:
	rm -rf $(VENV) .venv-lowest runs docs/_build docs/api .pytest_cache .mypy_cache .ruff_cache
