# The README's two commands. Both may be repeated; what is installed or trained is not done again.

PYTHON ?= python3
# The one place that says how the tests are run; .ci/run reads this line.
TEST = -m pytest -n 2

export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test
demo: .venv/.stamp
	.venv/bin/milbench run --suite all

test: .venv/.stamp
	.venv/bin/python $(TEST)

.venv/.stamp: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else "milbench needs Python 3.11 or later; $(PYTHON) is %d.%d. Name another one: make PYTHON=python3.12" % v[:2])'
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install -q -e ".[test]"
	@touch $@
