# Two commands do all the set-up: make demo, make test. make help lists the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip
NOTEBOOKS := $(wildcard notebooks/*.ipynb)
# Notebooks whose stored outputs are compared too; they keep their outputs (see .pre-commit-config.yaml).
STRICT_NOTEBOOKS ?= $(wildcard notebooks/00_quickstart.ipynb)
STRIPPED := $(filter-out $(STRICT_NOTEBOOKS),$(NOTEBOOKS))
SOURCES := pyproject.toml CMakeLists.txt $(shell find toolkit kernels_ext data -name __pycache__ -prune -o -print)

# cython-lint and a build without isolation look for their programs on the PATH.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test lint types unit asan plain avx2 notebooks gallery lab bench develop package clean
.NOTPARALLEL:
.DEFAULT_GOAL := help

help: ## list what make can do
	@sed -nE 's/^([a-z0-9]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 18

demo: $(VENV)/.local $(VENV)/.package ## set up, then consult a circle on real questions with a local model
	@$(BIN)/consilience demo

test: lint types unit notebooks ## set up, then run every check

lint: $(VENV)/.dev ## ruff, cython-lint, nbstripout
	@.ci/step 'ruff check' ruff check .
	@.ci/step 'ruff format' ruff format --check .
	@.ci/step 'cython-lint' cython-lint kernels_ext
ifneq ($(STRIPPED),)
	@.ci/step 'nbstripout' nbstripout --verify $(STRIPPED)
endif

types: $(VENV)/.dev ## mypy, strict
	@.ci/step 'mypy' mypy toolkit

unit: $(VENV)/.dev $(VENV)/.package ## pytest: unit, property, doctest, layers, packaging, browser
	@.ci/step 'finding a browser' .ci/browser
	@echo 'pytest'
	@pytest -q -n auto --dist loadfile --doctest-modules --pyargs tests consilience

# Other builds of the kernels, each in a folder of its own, under the tests of the kernels.
VARIANTS := asan plain avx2
asan: FLAGS := -fsanitize=address;-fno-omit-frame-pointer;-g;-O1
plain: FLAGS := -DCONSILIENCE_PLAIN
avx2: FLAGS := -march=x86-64-v3
# Python, NumPy and Arrow allocate by malloc, so that the sanitizer sees the edges of their buffers too.
asan: SETTING = PYTHONMALLOC=malloc ARROW_DEFAULT_MEMORY_POOL=system ASAN_OPTIONS=detect_leaks=0 \
  LD_PRELOAD="$(shell $(or $(CC),cc) -print-file-name=libasan.so) $(shell $(or $(CC),cc) -print-file-name=libstdc++.so)"

asan: ## the kernels' tests under AddressSanitizer
plain: ## the kernels' tests on a build that asks no processor what it can do
avx2: ## the kernels' tests on a build for processors with AVX2
$(VARIANTS): $(VENV)/.dev $(VENV)/.build
	@.ci/step 'building the kernels for $@' $(PIP) install --no-deps --no-build-isolation --upgrade \
	  --target build/$@/site --config-settings=build-dir=build/$@/cmake \
	  '--config-settings=cmake.define.CONSILIENCE_FLAGS=$(FLAGS)' .
	@echo 'pytest: the kernels, $@'
	@env PYTHONPATH=build/$@/site CONSILIENCE_KERNELS=cython CONSILIENCE_VARIANT=build/$@/site $(SETTING) \
	  $(BIN)/python -m pytest -q tests/kernels

notebooks: $(VENV)/.dev $(VENV)/.package ## run every notebook
ifeq ($(NOTEBOOKS),)
	@echo 'notebooks: none yet'
else
	@echo 'pytest: notebooks run'
	@pytest -q -W ignore --nbval-lax --nbval-current-env $(NOTEBOOKS)
endif
ifneq ($(STRICT_NOTEBOOKS),)
	@echo 'pytest: notebooks give their stored outputs'
	@pytest -q -W ignore --nbval --nbval-current-env --nbval-sanitize-with tests/nbval_sanitize.cfg $(STRICT_NOTEBOOKS)
endif

lab: $(VENV)/.notebook $(VENV)/.package ## open JupyterLab on the notebooks
	@$(BIN)/jupyter lab --notebook-dir=notebooks

gallery: $(VENV)/.dev $(VENV)/.package ## run the notebooks and make docs/gallery from them
	@$(BIN)/python docs/make_gallery.py --figures

bench: $(VENV)/.bench $(VENV)/.package ## measure beside the peers; BENCH=--quick for the small sizes
	@$(BIN)/python benchmarks/run.py --json build/benchmarks.json $(BENCH)

develop: $(VENV)/.dev ## install editable: Python files as they are, a changed .pyx rebuilt on import
	@rm -f $(VENV)/.package
	@.ci/step 'installing consilience, editable' $(PIP) install --no-deps --no-build-isolation \
	  --config-settings=build-dir=build/editable --config-settings=editable.rebuild=true --editable .

package: $(VENV)/.package

clean: ## remove the environment and everything that was built
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

# A stamp says that a step was done; the step runs again when what it depends on is newer.

$(VENV)/.made:
	@.ci/preflight $(PYTHON)
	@.ci/step 'making $(VENV)' $(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.build: $(VENV)/.made pyproject.toml
	@$(BIN)/python .ci/requirements build >$(VENV)/build.txt
	@.ci/step 'installing the build requirements' $(PIP) install -r $(VENV)/build.txt
	@$(BIN)/python .ci/requirements backend >$(VENV)/backend.txt
	@.ci/step 'installing cmake and ninja where the system has none' $(PIP) install -r $(VENV)/backend.txt
	@touch $@

$(VENV)/.local: EXTRAS := local
$(VENV)/.notebook: EXTRAS := local notebook
$(VENV)/.dev: EXTRAS := local notebook dev
$(VENV)/.local $(VENV)/.notebook $(VENV)/.dev: $(VENV)/.made pyproject.toml
	@$(BIN)/python .ci/requirements project $(EXTRAS) >$@.txt
	@.ci/step 'installing the dependencies ($(EXTRAS))' $(PIP) install -r $@.txt
	@touch $@

# One peer after another, none of which may change what is there: one that does not install stops no other.
$(VENV)/.bench: $(VENV)/.dev
	@$(PIP) freeze --exclude consilience >$(VENV)/held.txt
	@$(BIN)/python .ci/requirements extras bench | while read -r peer; do \
	  $(PIP) install -q -c $(VENV)/held.txt "$$peer" || echo "the peer $$peer does not install here"; done
	@touch $@

# Without dependencies, which the stamps above hold: a changed source costs no resolving.
$(VENV)/.package: $(VENV)/.build $(SOURCES)
	@.ci/step 'building and installing consilience' $(PIP) install --no-deps --no-build-isolation --force-reinstall \
	  --config-settings=build-dir=build/wheel .
	@touch $@
