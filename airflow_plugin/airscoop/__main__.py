"""python -m airscoop"""

import sys

from airscoop.cli import main

if __name__ == "__main__":
    sys.exit(main())
