"""Hostile files, names, manifests, bundles and terminals: what breaks a command or gets a verdict it must not get.

    python benchmarks/hostile.py --seed 0 --count 1000 --out FOLDER

Makes hostile inputs from a seed, none of them from a photograph of a patient, and runs all commands on them. Prints two
tables and how to make each failing input again. The exit status is 1 if a figure that should be 0 is not.

Time is processor time of one input in one process, memory the largest resident size of that process, all libraries
included. Trainings have no limits here. Whether a file is unreadable follows from how it was made (`hostile_files.py`).
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections import Counter
from pathlib import Path

import hostile_files
import hostile_manifests
import numpy as np
from hostile_bundles import changed_byte, harm
from hostile_commands import CHEAP, commands, score_forms, terminals, write_named
from hostile_large import write_large
from hostile_names import write_deep, write_ladder, write_link_farm, write_names, write_special
from hostile_pictures import pixels, png
from hostile_runs import FAULTS, Found, Worker, command

from mim_export.score.manifest import RELEASED

PARTS = "files,names,large,manifests,commands,bundles,terminals"
#: Bytes of bundles that are changed, one at a time.
CHANGES = 600
#: What a judged photograph has in the place of a reason; `unreadable` is none of them.
_JUDGED = ("mpox-like", "not-mpox-like")


def judge_file(found: Found, worker: Worker, path: Path, expect: str, what: str) -> None:
    """Scores one file and compares the row with what is expected."""
    answer = worker.do(do="score", path=str(path))
    found.judge(answer, what)
    if "verdict" not in answer:
        return
    unreadable = answer["reason"] in ("unreadable", "too large")
    if (expect == "unreadable" and not unreadable) or (expect == "too large" and answer["reason"] != expect):
        found.add("verdicts for unreadable files", f"{what}: {answer['verdict']} ({answer['reason']})")
    if expect == "whole" and unreadable:
        found.add("whole photographs called unreadable", f"{what}: {answer['err']}")
    if expect == "hidden" and answer["verdict"] in _JUDGED:
        found.add("(verdicts for damage that the format cannot show)", what)
    if unreadable and (not answer["err"].isprintable() or len(answer["err"]) > 1500):
        found.add("rows lost, doubled or imitated", f"{what}: an error that is not one line")


def files(found: Found, worker: Worker, out: Path, seed: int, count: int) -> None:
    """Scores hostile files one at a time, and all of them in each form."""
    folder = out / "files"
    folder.mkdir()
    images = []
    for number in range(count):
        kind, made = hostile_files.draw(seed, number)
        path = folder / f"{number:05d}_{kind}{made.suffix}"
        path.write_bytes(made.content)
        images.append(path)
        found.tried[f"files: {made.expect}"] += 1
        remake = f"{path.name}: hostile_files.draw({seed}, {number}), {made.detail}"
        judge_file(found, worker, path, made.expect, remake)
    score_forms(found, images, folder)


def names(found: Found, worker: Worker, out: Path, seed: int, count: int) -> None:
    """Scores whole photographs with hostile names, and what is no file."""
    images = write_names(out / "names", seed, count)
    for path in images:
        found.tried["names"] += 1
        judge_file(found, worker, path, "whole", f"name {path.name!r}")
    score_forms(found, sorted(images), out / "names")
    for path in write_special(out / "special"):
        found.tried["pipes, sockets, folders and links"] += 1
        judge_file(found, worker, path, "unreadable", f"special/{path.name[:40]}")
    (out / "special" / "photo.png").write_bytes(png(pixels(np.random.default_rng(seed))))
    # Two of the links lead to what the system calls regular files.
    regular = [out / "special" / name for name in ("memory.jpg", "photo.png", "process.jpg")]
    score_forms(found, regular, out / "special", ("--jsonl",))
    farms = (write_link_farm(out / "farm", 12), write_ladder(out / "ladder", 40), write_deep(out / "deep", 40))
    for folder in farms:
        found.tried["folders of links, deep folders"] += 1
        done = command(found, ["score", str(folder)], out, 60)
        if done.status is not None and b"photo.jpg" not in done.out:
            found.add("rows lost, doubled or imitated", f"score {folder.name}: {done.err.decode()[-200:]}")


def large(found: Found, worker: Worker, out: Path, few: bool) -> None:
    """Scores files that cost much, each in a fresh process, so that its memory is known."""
    for path, expect in write_large(out / "large", few).items():
        found.tried["bombs and files with holes"] += 1
        worker.close()
        judge_file(found, worker, path, expect, f"large/{path.name}")
    worker.close()


def manifests(found: Found, worker: Worker, out: Path, seed: int, count: int) -> None:
    """Reads hostile manifests, and trains with each."""
    data = out / "data"
    rows = hostile_manifests.write_data(data, seed)
    good = (data / "MANIFEST.csv").read_bytes()
    for number in range(count):
        (data / "MANIFEST.csv").write_bytes(hostile_manifests.manifest(rows, seed, number))
        what = f"hostile_manifests.manifest(rows, {seed}, {number})"
        found.tried["manifests"] += 1
        found.judge(worker.do(do="scan", path=str(data)), what)
        shutil.rmtree(out / "run", ignore_errors=True)
        words = ["train", "--data", str(data), "--out", str(out / "run"), *CHEAP]
        found.judge(worker.do(300, do="main", words=words), f"train with {what}", limited=False)
        if number % 20 == 0 and (out / "run").exists():
            words = ["evaluate", str(out / "run"), "--data", str(data), "--out", str(out / "figures")]
            found.judge(worker.do(300, do="main", words=words), f"evaluate with {what}", limited=False)
    (data / "MANIFEST.csv").write_bytes(good)
    worker.close()


def bundles(found: Found, worker: Worker, out: Path, sources: list[Path], seed: int, count: int, changes: int) -> None:
    """Checks bundles with one changed byte, and scores and verifies with harmed ones."""
    rng = np.random.default_rng([seed, 5])
    for source in sources:
        copy = out / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
        paths = sorted(path for path in copy.rglob("*") if path.is_file())
        listings = [path for path in paths if path.name in ("manifest.json", "SHA256SUMS")]
        drawn = [*paths, *listings * 20, *(paths[i] for i in rng.integers(0, len(paths), changes))]
        for path in drawn[: changes // len(sources)]:
            with changed_byte(path, rng) as place:
                answer = worker.do(do="check", path=str(copy))
            name = path.relative_to(copy).as_posix()
            found.tried["bundles with a changed byte"] += 1
            found.judge(answer, f"{source.name}/{name}, byte {place}")
            if name not in answer.get("err", ""):
                found.add("changed bytes of a bundle that verify does not name", f"{name}, byte {place}: {answer}")
    photo = out / "photo.png"
    photo.write_bytes(png(pixels(rng)))
    for number in range(count):
        folder = out / "harmed"
        source = number % len(sources)
        detail = harm(sources[source], folder, seed, number)
        what = f"harm({sources[source].name}, FOLDER, {seed}, {number}): {detail}"
        found.tried["harmed bundles"] += 1
        answer = worker.do(do="check", path=str(folder))
        found.judge(answer, f"check {what}")
        words = ["score", str(photo), "--bundle", str(folder)]
        found.judge(worker.do(do="main", words=words), f"score {what}")
        if "err" in answer:
            found.judge(worker.do(300, do="main", words=["verify", str(folder)]), f"verify {what}")
            if number % 20 == 0:
                found.judge(worker.do(300, do="main", words=["bench", str(folder)]), f"bench {what}", limited=False)
                worker.close()  # it holds TensorFlow
    worker.close()


def report(found: Found, seed: int, seconds: float) -> int:
    """Prints the tables and the failures; returns the exit status."""
    print(f"\nSeed {seed}, {seconds / 60:.0f} minutes. Some inputs are counted in two rows.\n")
    print("| input | number |\n|---|---|")
    for kind, number in sorted(found.tried.items()):
        print(f"| {kind} | {number} |")
    print("\n| what must not happen | found |\n|---|---|")
    for fault in FAULTS:
        of = f" of {found.tried['bundles with a changed byte']}" if fault == FAULTS[-1] else ""
        print(f"| {fault} | {len(found.faults[fault])}{of} |")
    hidden = len(found.faults["(verdicts for damage that the format cannot show)"])
    print(f"\nVerdicts for damage that the format cannot show: {hidden} of {found.tried['files: hidden']}.")
    print(f"Most time: {found.slowest[0]:.1f} s ({ascii(found.slowest[1])[1:100]}).")
    print(f"Most memory: {found.largest[0]:.0f} MB ({ascii(found.largest[1])[1:100]}).")
    bad = {fault: whats for fault, whats in found.faults.items() if fault in FAULTS and whats}
    for fault, whats in bad.items():
        print(f"\n{fault}:\n")
        for what, times in Counter(whats).items():
            print(f"* {what}" + (f" ({times} times)" if times > 1 else ""))
    return int(bool(bad))


def main() -> int:
    """Makes the inputs, runs the commands and prints the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=1000, help="number of hostile files; others in proportion")
    parser.add_argument("--out", type=Path, required=True, help="a new folder")
    parser.add_argument("--only", default=PARTS, help="some of these, which may run at once in different folders")
    arguments = parser.parse_args()
    out, seed, count = arguments.out.absolute(), arguments.seed, arguments.count
    out.mkdir(parents=True)
    parts, quick = arguments.only.split(","), count < 100
    found, worker, began = Found(), Worker(), time.monotonic()
    sources = [RELEASED]
    try:
        if "files" in parts:
            files(found, worker, out, seed, count)
        if "names" in parts:
            names(found, worker, out, seed, max(3, count // 10))
        if "large" in parts:
            large(found, worker, out, quick)
        if "manifests" in parts:
            manifests(found, worker, out, seed, max(2, count // 8))
        if "commands" in parts:
            (out / "runs").mkdir()
            if not (out / "data").exists():
                hostile_manifests.write_data(out / "data", seed)
            made = commands(found, worker, out / "data", out / "runs", seed, quick)
            worker.close()  # it holds TensorFlow, whose memory is not that of a bundle
            sources += [] if made is None or not made.exists() else [made]
        if "bundles" in parts:
            bundles(found, worker, out, sources, seed, max(3, count // 8), 6 if quick else CHANGES)
        if "terminals" in parts:
            (out / "runs").mkdir(exist_ok=True)
            if not (out / "data").exists():
                hostile_manifests.write_data(out / "data", seed)
            if not (out / "runs" / "named").exists():
                write_named(out / "data", out / "runs" / "named")
            if not (out / "names").exists():
                write_names(out / "names", seed, max(3, count // 10))
            terminals(found, out / "names", out / "runs")
    finally:
        worker.close()
    return report(found, seed, time.monotonic() - began)


if __name__ == "__main__":
    sys.exit(main())
