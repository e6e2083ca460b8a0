"""Scores photographs with a bundle. Needs only numpy, Pillow and a TFLite runtime.

    python -m mim_export.score photo.jpg

Research software, not a diagnosis. No image leaves the device.
"""

from __future__ import annotations

import argparse
import sys

from .batch import print_rows, score_paths
from .errors import MimError
from .manifest import RELEASED
from .scorer import Scorer


def _warn(line: str) -> None:
    print(line, file=sys.stderr)


def main() -> int:
    """Runs the command `python -m mim_export.score`.

    Returns:
        Exit status: 0, or 2 if the bundle or a photograph could not be read.
    """
    parser = argparse.ArgumentParser(prog="mim_export.score", description=__doc__)
    parser.add_argument("paths", nargs="+", help="photographs, or folders of them")
    parser.add_argument("--bundle", default=RELEASED, help="a bundle; the released one by default")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    try:
        rows, failed = score_paths(Scorer(arguments.bundle), arguments.paths, _warn)
    except MimError as error:
        print(error, file=sys.stderr)
        return 2
    print_rows(rows, failed, arguments.json)
    return 2 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
