# Two commands: `make run` shows tvmon at work, `make test` checks it.  Both install what they need.

BIN := .venv/bin
# The checkout itself is what runs; twistd does not put it on the path.
export PYTHONPATH := $(CURDIR)
# Where this is set each of some hundred processes would compile all of tvmon again.
unexport PYTHONDONTWRITEBYTECODE

help:  ## this list
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' Makefile

run:  ## tvmon on its embedded PostgreSQL, with simulated streams; Ctrl+C stops it
	@scripts/environment run
	@exec $(BIN)/python scripts/demo.py

test: lint types  ## lint, types, all tests
	@scripts/tests

environment:
	@scripts/environment test

lint: environment  ## only ruff
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --quiet --check

types: environment  ## only mypy
	@$(BIN)/mypy --no-error-summary

format: environment  ## put the source into the one format
	@$(BIN)/ruff check --quiet --fix
	@$(BIN)/ruff format

bench: environment  ## the measurements, in some two hours; bench/RESULTS.md keeps the large ones
	@for name in peers appear scale soak "soak --faults"; do \
		echo "== bench.$$name"; $(BIN)/python -m bench.$$name --results bench/RESULTS.md || exit 1; \
	done
	@for name in api board fetch graphs history page restart store surveys updater; do \
		echo "== bench.$$name"; $(BIN)/python -m bench.$$name || exit 1; \
	done

clean:  ## remove .venv, caches, builds, and the database of `make run`
	rm -rf .venv var build dist tests.* *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
	rm -f twisted/plugins/dropin.cache

.PHONY: help run test environment lint types format bench clean
