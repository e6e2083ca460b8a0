"""Executes the notebook from top to bottom, and fails on an error or a picture that was not made.

    python colab/execute.py OUT.ipynb          # FAST=1 in the environment: small and poor, in at most 4 minutes
    python colab/execute.py OUT.ipynb --again  # with what was made before, as a student who runs all cells once more

The notebook that is committed is what this writes without FAST: `python colab/execute.py colab/train_mim.ipynb`.
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

SOURCE = Path(__file__).with_name("train_mim.py")


def pictures(cell: nbformat.NotebookNode) -> int:
    """How many pictures a cell has put out."""
    return sum(any(kind.startswith("image/") for kind in output.get("data", {})) for output in cell.outputs)


def missing(notebook: nbformat.NotebookNode) -> list[str]:
    """First lines of the cells that show fewer pictures than they have calls of `lesson.show`."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [cell.source.splitlines()[0] for cell in cells if pictures(cell) < cell.source.count("lesson.show(")]


def main(out: Path, again: bool) -> int:
    """Executes beside the source, so that the first cell finds the checkout."""
    if not again:
        shutil.rmtree(SOURCE.parent / "mim-work", ignore_errors=True)
    notebook = jupytext.read(SOURCE)
    began = time.monotonic()
    client = NotebookClient(notebook, timeout=None, resources={"metadata": {"path": str(SOURCE.parent)}})
    try:
        client.execute()
    finally:
        nbformat.write(notebook, out)
    lost = missing(notebook)
    print(f"{out}: {time.monotonic() - began:.0f} seconds, {out.stat().st_size / 1e6:.2f} MB")
    for line in lost:
        print(f"a picture was not made in the cell that begins with: {line}", file=sys.stderr)
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), "--again" in sys.argv[2:]))
