"""Scores photographs with a bundle. Needs only numpy, Pillow and a TFLite runtime.

    python -m mim_export.score photo.jpg

Research software, not a diagnosis. No image leaves the device.
"""

from __future__ import annotations

import argparse
import sys

from .batch import list_photographs
from .errors import MimError
from .manifest import RELEASED
from .output import INTERRUPTED, chosen_form, open_standard_streams, print_scores
from .scorer import Scorer
from .text import write_line


def _warn(line: str) -> None:
    write_line(line, sys.stderr)


def main() -> int:
    """Runs the command `python -m mim_export.score`.

    Returns:
        Exit status: 0; 2 if the bundle or a photograph could not be read; 130 if interrupted; 141 if the output pipe
        was closed.
    """
    open_standard_streams()
    parser = argparse.ArgumentParser(prog="mim_export.score", description=__doc__)
    parser.add_argument("paths", nargs="+", help="photographs, or folders of them")
    parser.add_argument("--bundle", default=RELEASED, help="a bundle; the released one by default")
    parser.add_argument("--json", action="store_true", help="print one JSON array at the end")
    parser.add_argument("--jsonl", action="store_true", help="print a line of JSON for each image")
    parser.add_argument("--jobs", type=int, help="number of processes; all cores by default")
    arguments = parser.parse_args()
    try:
        form = chosen_form(arguments.json, arguments.jsonl)
        images = list_photographs(arguments.paths, _warn)
        return print_scores(Scorer(arguments.bundle), images, form, arguments.jobs)
    except MimError as error:
        write_line(str(error), sys.stderr)
        return 2
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
