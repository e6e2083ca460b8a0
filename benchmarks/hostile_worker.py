"""Child process of `hostile.py`: does one job at a time and tells how long it took and how much memory it needed.

Jobs are lines of JSON on standard input: `score` a photograph, `check` the files of a bundle, `scan` a data folder, or
run a `main`, a command of `mim-tf` in this process, so that TensorFlow is loaded once. Answers are lines of JSON.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

from mim_export.check.verify import check_files
from mim_export.score.batch import score_images
from mim_export.score.errors import MimError
from mim_export.score.scorer import Scorer
from mim_tf.data.folder import scan_folder


def _peak() -> float:
    """Returns the largest memory of this process since `_forget_peak`, in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1000
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def _forget_peak() -> None:
    with suppress(OSError):  # else the peak is that of all jobs so far
        Path("/proc/self/clear_refs").write_text("5")


def _main(words: list[str]) -> dict[str, Any]:
    """Runs a command of `mim-tf`; its output goes into files, whatever writes it."""
    from mim_tf.cli import app

    kept = os.dup(1), os.dup(2)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        sys.stdout.flush()
        os.dup2(out.fileno(), 1)
        os.dup2(err.fileno(), 2)
        sys.argv = ["mim-tf", *words]
        status: Any = 0
        try:
            app.main()
        except SystemExit as stop:
            status = stop.code or 0
        except BaseException:
            status = 1
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, descriptor in enumerate(kept, 1):
                os.dup2(descriptor, number)
                os.close(descriptor)
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode("utf-8", "replace"))
    return {"status": status, "out": texts[0][-2000:], "err": texts[1][-4000:]}


def main() -> None:
    """Answers jobs until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    scorer: Scorer | None = None
    for line in sys.stdin:
        job = json.loads(line)
        if job["do"] == "score" and scorer is None:
            scorer = Scorer()
        _forget_peak()
        base, began, wall = _peak(), time.process_time(), time.monotonic()
        answer: dict[str, Any] = {}
        try:
            if job["do"] == "score" and scorer is not None:
                ((row, error),) = score_images(scorer, [job["path"]])
                answer = {"verdict": row["verdict"], "reason": row["reason"], "err": str(error or "")}
            elif job["do"] == "check":
                check_files(job["path"])
            elif job["do"] == "scan":
                answer["photographs"] = len(scan_folder(job["path"], warn=lambda line: None))
            else:
                answer = _main(job["words"])
        except MimError as error:
            answer["err"] = str(error)
        except BaseException:
            answer["traceback"] = traceback.format_exc()[-2000:]
        answer |= {"cpu": time.process_time() - began, "wall": time.monotonic() - wall, "peak": _peak(), "base": base}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
