# Everything runs in .venv, made from requirements.lock by whichever target needs it first.

PYTHONS := python3.14 python3.13 python3.12 python3.11 python3
BIN := .venv/bin
LOCK_TOOL := uv==0.13.9

# one numeric thread a process: reports and tests run side by side
export OPENBLAS_NUM_THREADS := 1
export OMP_NUM_THREADS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1

# Jupyter, IPython and PyTensor write into HOME; where that cannot be written, they write beside the environment
HOME_WORKS := $(shell test -n "$$HOME" && test -d "$$HOME" && test -w "$$HOME" && echo yes)
ifneq ($(HOME_WORKS),yes)
export HOME := $(CURDIR)/.venv/home
endif

# scripts of an environment know its place: a clone that was moved or copied makes a new one
ifneq "$(shell cat .venv/.installed 2>/dev/null)" "$(CURDIR)"
.PHONY: .venv/.installed
endif

.PHONY: help report test lab bench evidence lock clean
.DEFAULT_GOAL := help

help: ## list these tasks
	@sed -n 's/^\([a-z]*\):.*## /  make \1 |/p' Makefile | awk -F'|' '{ printf "%-16s %s\n", $$1, $$2 }'

report: .venv/.installed samples/requests.parquet ## simulate sample services and write reports/index.html
	@$(BIN)/slaopt report --workspace . --source samples --jobs 2 || { status=$$?; [ $$status -eq 3 ] || exit $$status; }

test: .venv/.installed ## check style, types and layers, and run the tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@# the cells of a notebook share one kernel, so they cannot be dealt out to two processes
	$(BIN)/python -m pytest --quiet --nbval-lax notebooks/explore.ipynb
	@# three at once on two cores: tests of servers and pages wait much of their time
	$(BIN)/python -m pytest -n 3 tests slaopt

lab: .venv/.installed ## open JupyterLab
	$(BIN)/jupyter lab --ServerApp.root_dir=. --LabApp.default_url=/lab/tree/notebooks/explore.ipynb

bench: .venv/.installed ## measure speed and size, as ratios within one run
	@for script in tests/benchmarks/bench_*.py; do echo "== $$script"; $(BIN)/python "$$script" || exit 1; done

evidence: .venv/.installed ## run the long proofs, and write docs/evidence.md
	$(BIN)/python -m tests.evidence.build

lock: .venv/.installed ## renew requirements.lock: one version set for Python 3.11 to 3.14
	$(BIN)/python -m venv .venv/lock
	.venv/lock/bin/pip install --quiet "$(LOCK_TOOL)"
	.venv/lock/bin/uv pip compile pyproject.toml --all-extras --upgrade --universal --python-version 3.11 \
	    --fork-strategy fewest --generate-hashes --no-emit-index-url --no-annotate --no-header \
	    --quiet --output-file requirements.lock

clean: ## remove the environment, the samples and all caches; reports stay
	rm -rf .venv samples build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

samples/requests.parquet: slaopt/samples.py | .venv/.installed
	@$(BIN)/slaopt sample samples

.venv/.installed: requirements.lock pyproject.toml
	@if [ "$$(cat .venv/.place 2>/dev/null)" != "$(CURDIR)" ] || ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	    python=$$(PYTHONS="$(PYTHON) $(PYTHONS)" sh .ci/python) || exit 1; \
	    echo "making .venv with $$python"; \
	    "$$python" -m venv --clear .venv && echo "$(CURDIR)" > .venv/.place || exit 1; \
	fi
	@mkdir -p "$$HOME"
	@echo "installing the pinned packages into .venv; the first time takes some minutes"
	@$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@echo "$(CURDIR)" > $@
