# Two commands: `make demo` shows what trackmask does, `make test` checks that it still does.
PYTHON ?= python3
BIN = .venv/bin

PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test format clean

# What tracking needs: no torch.
.venv/core: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) -e .
	touch $@

# What developing needs besides.
.venv/dev: .venv/core
	$(PIP) -e '.[dev]'
	-$(PIP) playwright  # tests look at films and pages through it, where the machine has Chromium; else they are skipped
	touch $@

demo: .venv/core
	$(BIN)/trackmask run samples/bunny.mp4 --mask samples/bunny.mask.png -o demo/bunny.mp4.trackmask --overwrite
	$(BIN)/trackmask run samples/cat.mp4 --box 20,119,138,104 -o demo/cat.mp4.trackmask --overwrite
	@echo
	@echo "Look at demo/bunny.mp4.trackmask/overlay.mp4 and demo/cat.mp4.trackmask/overlay.mp4;"
	@echo "the masks are in masks/ beside them, the confidence of every frame is in result.json."

test: .venv/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q

format: .venv/dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .venv demo dist .pytest_cache .mypy_cache .ruff_cache
