# Signoff. `make help` lists what can be done; each target first makes the environment it needs.

.DEFAULT_GOAL := help
.PHONY: help run demo test check lint bench pictures setup requirements clean

PYTHON ?= $(or $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null && echo $$p && break; done),python3)
BIN := .venv/bin
READY := .venv/.ready
ARGS ?=

export UV_PYTHON_DOWNLOADS := never
export UV_SYSTEM_CERTS := 1
# Each of the processes would compile all of Signoff again.
unexport PYTHONDONTWRITEBYTECODE

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  Arguments go in ARGS, such as: make test ARGS='tests/approvals -x'"

run: $(READY) ## start everything on embedded defaults; the first start shows a contract's whole life
	@exec $(BIN)/signoff serve $(ARGS)

demo: $(READY) ## one contract from upload to sealed PDF and one invoice to its payment, on a system of its own that is stopped afterwards
	@exec $(BIN)/signoff demo --own-system $(ARGS)

test: $(READY) ## the tests; parts that are not installed are named at the end
	@$(BIN)/pytest -n 3 --dist worksteal $(ARGS)

check: lint test ## all that must hold before a commit: lint and test

lint: $(READY) ## ruff, mypy, the layers, and that the migrations match the tables
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	@home=$$(mktemp -d) && trap 'rm -r "$$home"' EXIT && export SIGNOFF_DATABASE_URL="sqlite:///$$home/signoff.db" && \
	echo "$(BIN)/alembic upgrade head && $(BIN)/alembic check" && $(BIN)/alembic upgrade head && $(BIN)/alembic check

bench: $(READY) ## measure decisions, mails, sealing and memory, on SQLite and PostgreSQL
	@$(BIN)/python -m tests.benchmarks $(ARGS)

pictures: $(READY) ## take the pictures of the README from the running product (needs Chromium)
	@$(BIN)/python -m tests.journeys.pictures

setup: $(READY) ## only make the environment

# The lock names neither a registry nor this machine.
requirements: $(READY) ## lock the dependencies of pyproject.toml again
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --group dev pyproject.toml --output-file requirements.txt $(ARGS)

clean: ## remove the environment and caches, not var/
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(READY): requirements.txt pyproject.toml .ci/setup.py
	@$(PYTHON) .ci/setup.py
	@touch $@
