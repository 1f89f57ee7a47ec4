# Everything sets up .venv by itself, with nothing but python3 and pip; a second call is instant.
PYTHON ?= python3
BIN := .venv/bin
OUT ?= exhibition
SEED ?= 2
FUZZ_SECONDS ?= 600

.PHONY: demo test lint bench fuzz clean setup

demo: .venv/.models  ## make a first exhibition from one sentence
	$(BIN)/vesica --studio studio exhibit "The café by the harbour, the winter the sea went quiet" \
		--photo examples/photo.jpg --rights CC0-1.0 --seed $(SEED) --out $(OUT)

test: .venv/.dev .venv/.models  ## run every test, the slow ones too
	$(BIN)/python -m pytest -n 2 --dist loadfile --cov --cov-report=term:skip-covered

lint: .venv/.dev  ## style, types, and the direction of imports
	$(BIN)/ruff format --check src tests bench fuzz training
	$(BIN)/ruff check src tests bench fuzz training
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/.dev .venv/.models  ## print every figure that the documents name
	for script in bench/bench_*.py; do $(BIN)/python $$script || exit 1; done

fuzz: .venv/.dev  ## feed each reader broken files for FUZZ_SECONDS; what breaks it lies in .fuzz/, with what was done
	mkdir -p .fuzz
	for target in $(patsubst fuzz/fuzz_%.py,%,$(wildcard fuzz/fuzz_*.py)); do \
		mkdir -p .fuzz/$$target && $(BIN)/python fuzz/fuzz_$$target.py -max_total_time=$(FUZZ_SECONDS) \
			-print_final_stats=1 -artifact_prefix=.fuzz/$$target- .fuzz/$$target fuzz/corpus/$$target \
			> .fuzz/$$target.log 2>&1 || { tail -n 40 .fuzz/$$target.log; exit 1; }; done
	$(BIN)/python fuzz/table.py .fuzz

.venv/.made:
	$(PYTHON) -m venv .venv
	touch $@

.venv/.installed: pyproject.toml constraints.txt | .venv/.made
	$(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt -e .
	touch $@

.venv/.dev: .venv/.installed
	$(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt -e '.[dev]'
	touch $@

.venv/.models: .venv/.installed
	$(BIN)/python -m vesica.weights.install --optional-ok
	touch $@

clean:  ## remove what was built, and the demo's studio and exhibition
	rm -rf .venv .fuzz build dist $(OUT) studio .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .import_linter_cache
