# Everything a person does with this project; `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo test check bench package qgis-demo screenshots translations

REQUIREMENTS := resources/requirements
ENGINE := .venv/.made-from-requirements
QGIS := .venv-qgis/.made-from-requirements
PY := .venv/bin/python

help: ## list these targets
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

demo: $(ENGINE) ## locate the demo photos; tables, GeoPackage, heat raster and map go to build/demo
	$(PY) -m training.demo --out build/demo

test: $(ENGINE) $(QGIS) ## run every test: the engine's, then the plugin's in real QGIS
	OMP_NUM_THREADS=1 $(PY) -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder
	.ci/test_in_qgis

check: $(ENGINE) ## lint, check the format and the types
	$(PY) -m ruff check .
	$(PY) -m ruff check --target-version py39 csi_geolocator model_core/__init__.py model_core/contract
	$(PY) -m ruff format --check .
	$(PY) -m mypy --strict model_core training

bench: $(ENGINE) ## measure the hot paths against plain ways to do the same
	for script in tests/bench/*.py; do PYTHONPATH=. $(PY) "$$script"; done

package: $(ENGINE) $(QGIS) ## build build/csi_geolocator.zip, check it, and try it in a fresh QGIS profile
	$(PY) .ci/package.py
	$(PY) .ci/check_package.py
	$(PY) .ci/qgis/try_package.py

qgis-demo: $(ENGINE) $(QGIS) ## open QGIS on the demo, the plugin in a profile of its own
	$(PY) .ci/qgis/open_demo.py

screenshots: $(ENGINE) $(QGIS) ## make the pictures of docs/user-guide.md from real windows
	$(PY) .ci/qgis/screenshots.py

translations: ## collect the plugin's words, compile what is translated
	python3 .ci/translate.py

$(ENGINE): $(REQUIREMENTS)/engine-tests.txt .ci/environment
	.ci/environment engine
	touch $@

$(QGIS): $(REQUIREMENTS)/qgis-tests.txt .ci/environment
	.ci/environment qgis
	touch $@
