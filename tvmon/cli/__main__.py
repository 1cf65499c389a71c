"""``python -m tvmon.cli``: the command ``tvmon``, straight from a checkout."""

import sys

from tvmon.cli import main

if __name__ == "__main__":
    sys.exit(main())
