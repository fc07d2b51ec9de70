# make lab      open the course            make test     run every test
# make quick    style, types and the tests nearest to your change
# make lessons  build the notebooks        make bench    measure (BENCH=norms)
# make start    the exercises, to solve    make doctor   what is installed
# make site     the course as a site       make lock     renew constraints.txt
# make gradescope     an autograder to upload
# make bench-grading   grading beside nbgrader and otter-grader
#
# Each target sets up .venv first, if that is not done. ARGS passes options on, for instance
#   make lab ARGS="--no-browser --port 9000"      make test ARGS="-k rms"

PYTHON ?= python3
# A .venv of another Python is kept, unless PYTHON was named.
BOOT := $(PYTHON) bootstrap.py $(if $(filter command environment,$(origin PYTHON)),--this-python)
VENV := .venv
PEERS := .venv-peers
BIN := $(VENV)/bin
ARGS ?=
BENCH ?= norms

.PHONY: lab test quick lessons site bench bench-grading start doctor lock gradescope system
.DELETE_ON_ERROR:

lab start doctor quick lessons site:
	@$(BOOT) $@ $(ARGS)

test: system
	@$(BOOT) test $(ARGS)

bench:
	@$(BOOT) python -m benchmarks.$(BENCH) $(ARGS)

bench-grading: $(PEERS)/peers.done
	@$(BOOT) python -m benchmarks.grading $(ARGS)

# Versions for every platform; torch stands without a CPU or CUDA suffix, so pip takes the
# build that the platform has.
lock:
	@$(BOOT) set-up test
	$(BIN)/python -m pip install --quiet "uv>=0.5"
	printf 'torch==2.13.0\n' | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
		--extra test --constraint - --no-annotate --custom-compile-command "make lock" \
		--upgrade --output-file constraints.txt pyproject.toml
	grep --extended-regexp '^(torch|numpy|nbgrader)==' constraints.txt | $(BIN)/uv pip compile --quiet --universal \
		--python-version 3.11 --extra course --constraint - --no-annotate \
		--custom-compile-command "make lock" --upgrade \
		--output-file benchmarks/peers.txt benchmarks/peers.in pyproject.toml

# The graders that ours is measured beside, in an environment and with a lock of their own.
$(PEERS)/peers.done: pyproject.toml benchmarks/peers.in benchmarks/peers.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --constraint benchmarks/peers.txt --editable '.[course]' \
		--requirement benchmarks/peers.in
	touch $@

# What Gradescope takes: two scripts, and the course as it was last committed.
gradescope:
	rm -rf dist/gradescope dist/gradescope.zip
	mkdir -p dist/gradescope/normlab
	git archive HEAD | tar --extract --directory dist/gradescope/normlab
	cp docs/gradescope/setup.sh docs/gradescope/run_autograder dist/gradescope
	cd dist/gradescope && $(PYTHON) -m zipfile --create ../gradescope.zip *
	@echo "Upload dist/gradescope.zip. A policy.toml goes beside setup.sh."

# The browser of the tests, and what confines students' code. Elsewhere than in CI their absence
# only skips tests.
system:
ifeq ($(CI),true)
	@command -v chromium > /dev/null && command -v bwrap > /dev/null || \
		(apt-get update && apt-get install --yes --no-install-recommends chromium bubblewrap)
endif
