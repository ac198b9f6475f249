# Every target works in a fresh clone that has only Python 3.11+ and make.
PYTHON ?= python3
BIN := .venv/bin

help: ## list these targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.venv/.run: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[embedded]'
	@touch $@

.venv/.dev: .venv/.run
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	@touch $@

install: .venv/.run ## install the program into .venv

demo: .venv/.run ## run the whole loop on drawn street scenes, or on your data: DATA=dir
	$(BIN)/fewpairs demo $(DATA)

run: .venv/.run ## start the service at http://127.0.0.1:8000
	$(BIN)/fewpairs up

test: .venv/.dev ## run the tests that CI runs, in two processes
	$(BIN)/python -m pytest -n 2 --dist loadfile

slow: .venv/.dev ## run the tests that take minutes and that CI leaves out
	$(BIN)/python -m pytest -m slow

storm: .venv/.dev ## kill, stop and starve processes while work goes on, and count what was lost: SEEDS=20
	$(BIN)/python -m tests.faults.storm --seeds $(or $(SEEDS),20)

lint: .venv/.dev ## check style, types, import directions and migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m migrations.check

clean: ## remove .venv and what the demo wrote, but never ./data
	rm -rf .venv demo

.PHONY: help install demo run test slow storm lint clean
