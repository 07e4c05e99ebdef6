# make demo   an environment, the core with all plugins, the main job on the sample set
# make test   the same environment with the test tools, then every check
# make docs   the site, in site/
# Both stand alone, from a clean clone, and may be repeated.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PLUGINS := $(wildcard plugins/recycle-*)
EDITABLE := -e . $(PLUGINS:%=-e %)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
MANIFESTS := pyproject.toml constraints.txt $(PLUGINS:%=%/pyproject.toml)
TEST_TOOLS := axe-playwright-python build editables hatchling httpx2 hypothesis import-linter mypy onnx onnxruntime onnxscript playwright pydensecrf2 pytest pytest-xdist ruff supervision twine zensical

.PHONY: demo test lint docs reference install surface clean

install: $(VENV)/.installed

demo: $(VENV)/.installed
	@echo "installed once, in $$(cat $(VENV)/.installed) s; what follows is the job itself"
	$(BIN)/recycle demo --out demo --force

test: $(VENV)/.test-tools lint docs
	$(BIN)/python -m pytest -rs -n 2 --dist loadgroup

# the site in site/, from docs/ and mkdocs.yml; a dead link ends it
docs: $(VENV)/.test-tools
	$(BIN)/zensical build --clean --strict

# docs/reference from the code; a test tells when it is out of date
reference: $(VENV)/.test-tools
	PYTHONPATH=tools $(BIN)/python -m reference

lint: $(VENV)/.test-tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# freezes the public names anew, after a change that was meant: see docs/compatibility.md
surface: $(VENV)/.installed
	$(BIN)/python tests/surface.py

# one pip command for the core and its plugins, so that no sibling is looked up elsewhere
$(VENV)/.installed: $(MANIFESTS)
	@began=$$(date +%s); \
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) && $(PIP) $(EDITABLE) \
	&& echo $$(($$(date +%s) - began)) > $@

$(VENV)/.test-tools: $(VENV)/.installed Makefile
	$(PIP) $(EDITABLE) $(TEST_TOOLS)
	touch $@

clean:
	rm -rf $(VENV) demo site .cache
