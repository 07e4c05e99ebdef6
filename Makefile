# make demo       an environment, the core with all plugins, the main job on the sample set
# make test       the same environment with the test tools, then lint, docs and every test but the slow ones
# make test-all   the same, then the slow ones
# make docs       the site, in site/
# Each stands alone, from a clean clone, and may be repeated.

# the newest that works here; a name on the path may be none (pyenv's shims), or lack venv (Debian's python3)
ifndef PYTHON
PYTHON := $(shell for python in python3.13 python3.12 python3.11 python3; do \
	$$python -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& echo $$python && break; done)
endif
VENV := .venv
BIN := $(VENV)/bin
PLUGINS := $(wildcard plugins/recycle-*)
EDITABLE := -e . $(PLUGINS:%=-e %)
USED := -e . $(patsubst %,-e %,$(filter-out plugins/recycle-export,$(PLUGINS))) # without onnx, which the job does not need
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
PYTEST := $(BIN)/python -m pytest -rs -n 2
MANIFESTS := pyproject.toml constraints.txt $(PLUGINS:%=%/pyproject.toml)
TEST_TOOLS := axe-playwright-python build editables hatchling httpx2 hypothesis import-linter mypy onnx onnxruntime onnxscript pillow-heif playwright pytest pytest-xdist ruff supervision twine zensical

NO_PYTHON := "recyclecli needs Python 3.11, 3.12 or 3.13 with venv, and none was found: install one, \
as with 'apt-get install python3.11 python3.11-venv' or 'brew install python@3.13', or name one: make PYTHON=/path/to/python"
NO_PYDENSECRF := "pydensecrf2 cannot be built here ($(VENV)/pydensecrf2.log): densecrf is compared with its stored results"

.PHONY: demo test test-all test-slow checks lint docs reference install surface clean

install: $(VENV)/.installed

demo: $(VENV)/.installed
	@echo "installed once, in $$(cat $(VENV)/.installed) s; what follows is the job itself"
	$(BIN)/recycle demo --out demo --force

# lint and docs run beside the tests, whose workers often wait; what they print comes when they are done.
# One worker runs a file, whose fixtures of the module are made once; slow tests are shared one by one
test: $(VENV)/.test-tools
	@$(MAKE) --no-print-directory checks > $(VENV)/checks.log 2>&1 & checks=$$!; \
	$(PYTEST) --dist loadfile -m "not slow"; tests=$$?; \
	wait $$checks; checked=$$?; cat $(VENV)/checks.log; \
	exit $$((tests + checked))

test-slow: $(VENV)/.test-tools
	$(PYTEST) --dist loadgroup -m slow

test-all: test
	$(MAKE) --no-print-directory test-slow

checks: lint docs

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
	if ! $(BIN)/python -m pip --version > /dev/null 2>&1; then \
		if [ -z "$(PYTHON)" ]; then echo $(NO_PYTHON) >&2; exit 1; fi; \
		$(PYTHON) -m venv --clear $(VENV) || exit 1; \
	fi; \
	$(PIP) $(USED) && echo $$(($$(date +%s) - began)) > $@

# pydensecrf2 is built from source, and its C++ does not compile for Python 3.13
$(VENV)/.test-tools: $(VENV)/.installed Makefile
	$(PIP) $(EDITABLE) $(TEST_TOOLS)
	@$(PIP) pydensecrf2 > $(VENV)/pydensecrf2.log 2>&1 || echo $(NO_PYDENSECRF)
	touch $@

clean:
	rm -rf $(VENV) demo site .cache
