# Two commands on a fresh machine with Python 3.11 or newer: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ROOMS := checks collectors commands exporters inventory

# where the environment forbids bytecode, each process of the tests would compile the program anew, for a second
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test unit check lint types imports messages matrix mutants lock city bench clean

demo: $(VENV)/runtime.stamp
	@$(BIN)/python examples/demo.py

test: $(VENV)/dev.stamp
	$(BIN)/python -m pytest $(PYTEST_ARGS)

# what needs no service and is not long by nature, side by side, with a fifth of the examples: about a minute on two cores
unit: $(VENV)/dev.stamp
	YUNHE_NO_DOCKER=1 $(BIN)/python -m pytest -q -n auto --dist worksteal --hypothesis-profile=unit \
	  -m "not thorough and not prometheus and not chromium and not hostile" $(PYTEST_ARGS)

# everything that a machine can hold, the tests last. On two workers, of which one asks the clouds (tests/conftest.py),
# as .ci/run does: make check PYTEST_ARGS="-n 2 --dist loadscope --no-loadscope-reorder"
check: $(VENV)/dev.stamp lint types imports
	$(BIN)/python -m pytest --cov --cov-report=term:skip-covered $(PYTEST_ARGS)

lint: $(VENV)/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/dev.stamp
	$(BIN)/mypy

imports: $(VENV)/dev.stamp
	$(BIN)/lint-imports

# compiles the translations that the program reads (the .mo files are kept beside their sources)
messages: $(VENV)/dev.stamp
	for room in $(ROOMS); do $(BIN)/pybabel -q compile -d inventory/locale -D $$room; done

# docs/verdict-matrix.md, as the checks decide it
matrix: $(VENV)/dev.stamp
	$(BIN)/python docs/verdict_matrix.py

# mutation testing of the checks and of whose is what, into docs/mutation.md: all, or
# make mutants FILES="checks/waivers.py checks/due.py", or make mutants SAMPLE=60 (at most so many mutants of each file)
FILES ?=
SAMPLE ?= 0
mutants: $(VENV)/mutation.stamp
	YUNHE_NO_DOCKER=1 nice -n 19 $(BIN)/python docs/mutation.py --sample $(SAMPLE) $(FILES)

# the pinned dependencies, with hashes; run after changing pyproject.toml. Extras stay named: pip below 24 takes
# `coverage[toml]` for another, unpinned requirement than `coverage==…` and refuses the lock once a newer one is out
lock: $(VENV)/dev.stamp
	$(BIN)/pip install -q uv
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-strip-extras \
	  pyproject.toml deploy/build-requirements.in -o requirements.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-strip-extras \
	  --extra dev -c requirements.lock pyproject.toml deploy/build-requirements.in -o requirements-dev.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-strip-extras \
	  --extra mutation --extra dev -c requirements-dev.lock pyproject.toml deploy/build-requirements.in -o requirements-mutation.lock

# takes the example city's captures anew from the real services of the tests (needs Docker)
city: $(VENV)/dev.stamp
	$(BIN)/python examples/build_city.py

# how fast and how small, against the real services of the tests (needs Docker and a machine with nothing else to do):
# make bench, or make bench ROWS=openstack SERVERS=5000, or make bench BENCH_ARGS="--markdown benchmarks/RESULTS.md"
SERVERS ?= 5000 50000
PODS ?= 20000
HOSTS ?= 500
EACH ?= 50000
bench: $(VENV)/dev.stamp
	$(BIN)/python -m benchmarks --servers $(SERVERS) --pods $(PODS) --hosts $(HOSTS) --each $(EACH) --json bench.json $(BENCH_ARGS) -- $(ROWS)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Yunhe needs Python 3.11 or newer; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/runtime.stamp: $(VENV)/bin/python requirements.lock pyproject.toml
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/runtime.stamp requirements-dev.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

$(VENV)/mutation.stamp: $(VENV)/dev.stamp requirements-mutation.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-mutation.lock
	@touch $@

clean:
	rm -rf $(VENV) .demo mutants
