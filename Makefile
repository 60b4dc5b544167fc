# Everything a newcomer types. Each target installs what it needs first, into .venv and the user's
# cache directory; nothing is installed system-wide.

SHELL := /bin/sh
PY    := .venv/bin/python
RUN   := PATH="$$PWD/.venv/bin:$$PATH" PYTHONPATH=operator:. $(PY)
ARGS  ?=

# Five workers, each with a control plane of its own: much of a scenario is waiting.
PYTEST := -m pytest -n 5 --dist loadscope --no-loadscope-reorder

# What a cluster gets beside the operator itself; each folder is one concern.
DELIVERY := tests/install tests/rights tests/monitoring tests/image tests/docs \
    tests/uninstall tests/page

# The operator as a process on a real API server, and what random worlds come to: two thirds of the
# time that all tests take.
SCENARIOS := tests/cluster tests/worlds

.PHONY: help demo lab test scenarios delivery chaos datapath peers nightly lint format bench bench-plot first-policy chart \
    lock wheel clean

help:  ## Show what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

demo: .venv/ready  ## Watch labels turn into policies, on a real API server; ARGS=--datapath: on real packets
	$(RUN) -m lab demo $(ARGS)

lab: .venv/ready  ## A control plane to try things on; ARGS="up", "status" or "down"
	$(RUN) -m lab $(or $(ARGS),--help)

test: .venv/ready lint  ## Check what it says and does; ARGS="-k grant" passes on to pytest
	$(RUN) -m lab build
	$(RUN) $(PYTEST) --ignore=tests/chaos --ignore=tests/bench --ignore=tests/datapath \
	    $(DELIVERY:%=--ignore=%) $(SCENARIOS:%=--ignore=%) $(ARGS)

scenarios: .venv/ready  ## Play every scenario on a real API server, and judge random worlds
	$(RUN) -m lab build
	$(RUN) $(PYTEST) $(SCENARIOS) $(ARGS)

delivery: .venv/ready  ## Check manifests, chart, rights, alerts, dashboard, image, the audit's page, the docs' commands
	$(RUN) -m lab build
	$(RUN) -m tests.tools
	$(RUN) $(PYTEST) $(DELIVERY) $(ARGS)

chaos: .venv/ready  ## Break all around the operator while it works; CHAOS_LONG=1, CHAOS_SEED=7
	$(RUN) -m lab build
	$(RUN) -m pytest -n 2 --dist loadscope --no-loadscope-reorder tests/chaos $(ARGS)

datapath: .venv/ready  ## Send packets through a real cilium-agent: needs Linux, root, clang; no containers
	$(RUN) -m lab build
# The machine is compared with itself while nothing else changes it; 5: ARGS choose none of these.
	$(RUN) -m pytest tests/datapath/test_isolation.py $(ARGS) || test $$? -eq 5
	$(RUN) -m pytest -n 2 --dist loadscope tests/datapath --ignore=tests/datapath/test_isolation.py $(ARGS)

peers: .venv/ready  ## Check that the operators we are measured against do the same job
	$(RUN) -m lab build
	$(RUN) -m pytest tests/bench $(ARGS)

nightly: .venv/ready  ## Judge 20,000 random worlds and 100,000 random rules, of a seed of the day
	$(RUN) -m lab build
	export WORLDS="$${WORLDS:-20000}" WORLD_SEED="$${WORLD_SEED:-$$(date +%F)}" \
	    VERDICT_WORLDS="$${VERDICT_WORLDS:-5000}" VERDICT_SEED="$${VERDICT_SEED:-$$(date +%Y%m%d)}" \
	    CLEANUP_WORLDS="$${CLEANUP_WORLDS:-1500}" CLEANUP_SEED="$${CLEANUP_SEED:-$$(date +%Y%m%d)}" \
	    WIDENING_WORLDS="$${WIDENING_WORLDS:-1000}" WIDENING_SEED="$${WIDENING_SEED:-$$(date +%Y%m%d)}" \
	    HOMELAB_NETPOL_SEED="$${HOMELAB_NETPOL_SEED:-$$(date +%Y%m%d)}" \
	    HOMELAB_NETPOL_RANDOM_RULES="$${HOMELAB_NETPOL_RANDOM_RULES:-100000}"; \
	$(RUN) $(PYTEST) tests/worlds tests/truth/test_sanitize.py tests/truth/test_verdict.py \
	    tests/truth/test_cleanup.py tests/truth/test_widening.py tests/truth/test_denials.py $(ARGS)

lint: .venv/ready  ## Formatter, linter, type checker and layers, changing nothing
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	PYTHONPATH=operator .venv/bin/lint-imports --no-cache

format: .venv/ready  ## Format the code and mend what the linter can
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

bench: .venv/ready  ## Measure; ARGS="--quick" for a short run
	$(RUN) -m bench $(ARGS)

bench-plot: .venv/ready  ## Measure and draw cost against the number of namespaces
	@mkdir -p build
	$(RUN) -m bench curves --json build/bench-curves.json $(ARGS)
	$(RUN) -m bench plot build/bench-curves.json docs/benchmarks.svg

first-policy: .venv/ready  ## Time a new user's four commands, from an empty cluster to a policy
	$(RUN) -m lab build
	$(RUN) -m tests.install.first_policy

chart: .venv/ready  ## Copy into the Helm chart what it shares with manifests/, crds/ and the settings
	$(RUN) -m tests.tools.chart_files

wheel: .venv/ready  ## Build the wheel into dist/
	$(PY) -m hatchling build -t wheel

lock: .venv/uv  ## Pin current versions again
	export UV_CUSTOM_COMPILE_COMMAND="make lock"; \
	"$$(cat .venv/uv)" pip compile -q --universal --generate-hashes --upgrade --no-annotate \
	    --python-version 3.11 pyproject.toml -o requirements.lock && \
	"$$(cat .venv/uv)" pip compile -q --universal --generate-hashes --upgrade --no-annotate \
	    --python-version 3.11 pyproject.toml --group dev -o requirements-dev.lock && \
	"$$(cat .venv/uv)" pip compile -q --universal --generate-hashes --no-annotate \
	    --python-version 3.11 --group pyproject.toml:build -c requirements-dev.lock \
	    -o requirements-build.lock

clean:  ## Remove what was installed and built here (the user's cache directory stays)
	rm -rf .venv dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

# uv: the one on PATH, else one of our own. `pip install --target` works also where python3 has no
# venv module, as on a plain Debian.
.venv/uv:
	@mkdir -p .venv
	@if command -v uv >/dev/null 2>&1; then command -v uv >.venv/uv; \
	elif python3 -m pip --version >/dev/null 2>&1; then \
	    echo "uv is not on PATH: installing it into .venv/bootstrap"; \
	    PIP_ROOT_USER_ACTION=ignore python3 -m pip install -q --target .venv/bootstrap --require-hashes -r requirements-uv.lock && \
	    echo "$$PWD/.venv/bootstrap/bin/uv" >.venv/uv; \
	else \
	    echo "Neither uv nor pip is here. Install uv (https://docs.astral.sh/uv/) and try again." >&2; \
	    exit 1; \
	fi

.venv/ready: requirements-dev.lock .venv/uv
	@"$$(cat .venv/uv)" venv -q --allow-existing --python '>=3.11' .venv
	@"$$(cat .venv/uv)" pip sync -q --python $(PY) --require-hashes requirements-dev.lock
	@touch $@
