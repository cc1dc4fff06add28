"""Run the command line as ``python -m milbench``."""

import sys

from milbench.cli import main

if __name__ == "__main__":
    sys.exit(main())
