# The menu.  No logic here: each line calls a script in tools/, and tools/do finds the Python for it.
# Another Python: make PYTHON=/path/to/python3.12 run

.DEFAULT_GOAL := help
.PHONY: help run test check lint format compiled bench wheel docs annotate clean

help:      ## show this list
	@tools/do menu.py

run:       ## start the broker, compiled, on the default ports: make run ARGS="--port 5673"
	@tools/do serve.py $(ARGS)

test:      ## everything, interpreted and compiled; as root it also installs what it compares with
	@tools/do suite.py all

check:     ## while working: style, types, and the suite interpreted
	@tools/do suite.py check

lint:      ## style and types only
	@tools/do suite.py lint

format:    ## let ruff rewrite what it can
	@tools/do format.py

compiled:  ## the suite against the compiled and installed wheel
	@tools/do suite.py compiled

bench:     ## compare with RabbitMQ and mosquitto, write docs/benchmarks*.md: make bench ARGS=--help
	@tools/do bench.py $(ARGS)

wheel:     ## build sdist and wheel into dist/, from a clean copy
	@tools/do build_wheel.py

docs:      ## build the documents as a site into build/docs/
	@tools/do build_docs.py

annotate:  ## where the compiler gave up on a file: make annotate FILE=src/leveret/tables.py
	@tools/do annotate.py $(FILE)

clean:     ## remove environments, builds, caches and stray compiled modules
	@tools/do clean.py
