# Two verbs do everything: `make tower` runs the main job, `make test` checks the whole house.
# Both first build a private virtual environment in .venv.
PYTHON ?= python3.11
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
UV     := .venv-uv/bin/uv

.PHONY: tower test test-lowest lint types pytest mutants docs lock clean

$(READY): pyproject.toml requirements/dev.txt
	@echo "Setting up $(VENV); the first time this takes a minute or two."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
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
test-lowest: $(UV)
	$(UV) venv --quiet --clear --python $(PYTHON) .venv-lowest
	$(UV) pip install --quiet --python .venv-lowest/bin/python --resolution lowest-direct --editable '.[dev]'
	.venv-lowest/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -W ignore tests/unit tests/app tests/contracts

# On demand: changes the modules that decide, one operator or number at a time, and counts what their tests notice.
mutants: $(READY)
	$(BIN)/python tests/mutation/run.py --sample 100 --seed 1

docs: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/docs.txt
	$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html

# On demand, after a change of dependencies: every package and version that `make` installs, with the hashes of its files.
# Versions stay as they are unless LOCK=--upgrade.
lock: $(UV)
	for extra in dev docs; do \
	  $(UV) pip compile --quiet pyproject.toml --extra $$extra --universal --python-version 3.11.5 --generate-hashes \
	    --no-annotate --custom-compile-command "make lock" --output-file requirements/$$extra.txt $(LOCK) || exit 1; \
	done

$(UV):
	$(PYTHON) -m venv .venv-uv
	.venv-uv/bin/python -m pip install --quiet --disable-pip-version-check uv

clean:
	rm -rf $(VENV) .venv-lowest .venv-uv runs docs/_build docs/api .pytest_cache .mypy_cache .ruff_cache
