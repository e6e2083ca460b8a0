"""Runs the commands of `mim-tf` on hostile folders and in hostile terminals, for `hostile.py`."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import hostile_files
import numpy as np
from hostile_bundles import changed_byte
from hostile_names import NAMES
from hostile_runs import Found, Worker, command

#: Arguments of the cheapest training.
CHEAP = ("--method", "colour", "--size", "32")
#: Environments and redirections of a command.
TERMINALS: tuple[tuple[dict[str, str | None], str | None], ...] = (
    ({"PYTHONIOENCODING": "ascii:strict"}, None),
    ({"PYTHONIOENCODING": "cp1252:strict"}, None),
    ({"PYTHONIOENCODING": "latin-1"}, None),
    ({"PYTHONIOENCODING": "utf-8:strict"}, None),
    ({"PYTHONIOENCODING": "utf-16"}, None),
    ({"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, None),
    ({"LANG": "xx_YY.nonsense", "LC_ALL": "xx_YY.nonsense"}, None),
    ({"COLUMNS": "1"}, None),
    ({"COLUMNS": "x", "LINES": "-1", "TERM": "nonsense", "FORCE_COLOR": "1"}, None),
    ({"HOME": None, "USER": None}, None),
    ({"HOME": "/nonexistent"}, None),
    ({"TMPDIR": "/nonexistent"}, None),
    ({"TMPDIR": "/proc"}, None),
    ({}, '"$@" | head -n 1'),
    ({}, '"$@" | true'),
    ({}, '"$@" >&-'),
    ({}, '"$@" 2>&-'),
    ({}, '"$@" >&- 2>&-'),
    ({}, '"$@" <&-'),
    ({}, '"$@" >/dev/full'),
    ({}, '"$@" 2>/dev/full'),
)


def score_forms(
    found: Found, images: Sequence[Path], folder: Path, forms: Sequence[str] = ("", "--json", "--jsonl")
) -> None:
    """Scores a folder in each form; every image must have exactly one row."""
    for form in forms:
        done = command(found, ["score", str(folder), *([form] if form else [])], folder.parent)
        what = f"mim-tf score {folder} {form}"
        text = done.out.decode("utf-8", "replace")
        try:
            if form:
                rows = json.loads(text) if form == "--json" else [json.loads(line) for line in text.splitlines()]
                names = Counter(row["image"] for row in rows)
                if names != Counter(map(str, images)):
                    found.add("rows lost, doubled or imitated", f"{what}: {len(rows)} rows for {len(images)} images")
            elif len(text.splitlines()) != len(images) or not text.replace("\n", "").isprintable():
                lines = len(text.splitlines())
                found.add("rows lost, doubled or imitated", f"{what}: {lines} lines for {len(images)} images")
        except ValueError as error:
            found.add("rows lost, doubled or imitated", f"{what}: {error}")


def terminals(found: Found, folder: Path, runs: Path) -> None:
    """Scores a folder of hostile names in each terminal, and runs other commands in some of them."""
    for env, shell in TERMINALS:
        for form in ([], ["--jsonl"]):
            done = command(found, ["score", str(folder), *form], runs, 120, shell, env)
            lines = len(done.out.splitlines())
            whole = shell is None and env.get("PYTHONIOENCODING") != "utf-16" and done.status == 0
            if whole and lines != len(list(folder.iterdir())):
                found.add("rows lost, doubled or imitated", f"score {folder} {form} {env}: {lines} lines")
            found.tried["terminals"] += 1
    for env, shell in TERMINALS[:1] + TERMINALS[7:9] + TERMINALS[11:13] + TERMINALS[15:18]:
        shutil.rmtree(runs / "terminal", ignore_errors=True)
        words = ["train", "--data", str(runs / "named"), "--out", str(runs / "terminal"), *CHEAP]
        command(found, [*words, "--normal-class", "[bold]"], runs, 300, shell, env)
        found.tried["terminals"] += 1


def write_named(source: Path, target: Path) -> list[str]:
    """Writes the data folder `source` again, with hostile names of folders and files and without a manifest.

    Returns:
        The names of the classes; the first one can be trained on.
    """
    classes = ["[bold]", *(os.fsdecode(NAMES[i]) for i in (0, 4, 10, 13, 17, 22, 34, 35, 38))]
    images = sorted(source.glob("*/*/*.png"))  # not the masks
    for number, (split, count) in enumerate((("train", 8), ("val", 20))):
        (target / split / classes[0]).mkdir(parents=True)
        for i in range(count):
            name = os.fsdecode(NAMES[(i + 20 * number) % len(NAMES)][:200]) + f"{i}.png"
            shutil.copyfile(images[20 + i + 8 * number], target / split / classes[0] / name)
    for i, label in enumerate(classes):
        (target / "test" / label).mkdir(parents=True)
        for j in range(2):
            shutil.copyfile(images[2 * i + j], target / "test" / label / f"{os.fsdecode(NAMES[j])}.png")
    return classes


def commands(found: Found, worker: Worker, data: Path, runs: Path, seed: int, quick: bool) -> Path | None:
    """Trains, evaluates, compares, exports and verifies with hostile names and files, and harmed run folders.

    Args:
        found: receives the faults.
        worker: runs the commands.
        data: a data folder of synthetic photographs.
        runs: folder for the results.
        seed: of the hostile files.
        quick: only one training.

    Returns:
        A bundle with scorers; None if `quick`.
    """

    def run(*words: object) -> int | None:
        texts = [os.fspath(word) if isinstance(word, Path) else str(word) for word in words]
        answer = worker.do(300, do="main", words=texts)
        found.tried["commands"] += 1
        found.tried["commands that succeeded"] += answer.get("status") == 0
        found.judge(answer, f"mim-tf {' '.join(texts)}", limited=False)
        return answer.get("status")

    classes = write_named(data, runs / "named")
    normal = ["--normal-class", classes[0]]
    run("train", "--data", runs / "named", "--out", runs / "named_run", *CHEAP, *normal)
    if quick:
        return None
    for extra in ([], ["--json"]):
        run("evaluate", runs / "named_run", "--data", runs / "named", "--out", runs / "named_figures", *extra)
    run("train", "--data", runs / "named", "--out", runs / "escape\x1b[2J\n$x_{1$", *CHEAP, *normal)
    run("train", "--data", runs / "named", "--out", runs / "x", *CHEAP, "--normal-class", "a\n\x1b[31m\udce9")
    mixed = runs / "mixed"
    shutil.copytree(data, mixed)
    for number, target in enumerate(sorted(path for path in mixed.glob("*/*") if path.is_dir()) * 12):
        _, made = hostile_files.draw(seed + 1, number)
        (target / f"hostile_{number}{made.suffix}").write_bytes(made.content)
    for name, method in (("mixed", "colour"), ("network", "autoencoder")):
        options = ["--method", method, "--size", "32", "--steps", "20"]
        run("train", "--data", mixed, "--out", runs / f"{name}_run", *options)
        run("evaluate", runs / f"{name}_run", "--data", mixed, "--out", runs / f"{name}_figures")
    run("export", runs / "network_run", "--out", runs / "bundle", "--data", mixed)
    run("evaluate", runs / "bundle", "--data", runs / "named", "--out", runs / "bundle_figures")
    run("verify", runs / "bundle", "--data", mixed)
    run("train", "--data", data, "--negatives", mixed, "--out", runs / "negatives_run", *CHEAP)
    options = ["--methods", "colour,blur", "--seeds", "0", "--minutes", "0.1", "--size", "32", "--jobs", "1"]
    run("compare", "--data", runs / "named", "--out", runs / "compared", *options, *normal)
    run("compare", "--data", mixed, "--out", runs / "compared_mixed", *options, "--json")
    for target in (runs / "named", runs / "bundle" / "manifest.json", Path("/proc/x"), Path("/dev/null/x")):
        run("demo", "--out", target)
        run("export", runs / "network_run", "--out", target)
        run("evaluate", runs / "mixed_run", "--data", data, "--out", target)
        run("compare", "--data", data, "--out", target, *options)
    rng = np.random.default_rng([seed, 4])
    kinds = (".json", ".csv", ".npy", ".npz", ".h5", ".keras")
    files = sorted(path for path in (runs / "network_run").rglob("*") if path.suffix in kinds and path.stat().st_size)
    for number in range(16):
        path = files[number % len(files)]
        content = path.read_bytes()
        with changed_byte(path, rng):
            if number % 3 == 0:
                path.write_bytes(content[: rng.integers(len(content))])
            found.tried["damaged run folders"] += 1
            run("evaluate" if number % 2 else "export", runs / "network_run", *_rest(number, data, runs))
        shutil.rmtree(runs / "thrown", ignore_errors=True)
    return runs / "bundle"


def _rest(number: int, data: Path, runs: Path) -> list[object]:
    return ["--out", runs / "thrown", *(["--data", data] if number % 2 else [])]
