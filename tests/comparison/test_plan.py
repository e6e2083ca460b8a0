"""`mim_tf.comparison.plan`, `mim_tf.comparison.worker`: interrupted fits resume, finished fits are kept."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mim_export.score.errors import MimError
from mim_tf.comparison import worker as compare_job
from mim_tf.comparison.plan import Entry, Plan, run_plan
from mim_tf.comparison.pool import job_folder
from mim_tf.data.folder import load_photos, scan_folder
from mim_tf.data.splits import select
from mim_tf.detectors.factory import create_model
from mim_tf.synthetic import dataset
from mim_tf.training.config import Training

pytestmark = pytest.mark.slow

COUNTS = {"train": {"mpox": 12}, "val": {"mpox": 4, "plain": 4}, "test": {"mpox": 8, "plain": 6, "no_skin": 4}}
ENTRIES = [Entry("colour", "colour"), Entry("narrow", "classifier", {"width": 4})]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dataset.write_sample(tmp_path_factory.mktemp("compare") / "data", counts=COUNTS)


def quiet(*_: Any) -> None: ...


@pytest.fixture(scope="module")
def done(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("compare") / "out"
    seen: list[tuple[str, int, str]] = []
    plan = Plan(folder, size=32, seconds=None, steps=60, seeds=(0, 1))
    seconds = run_plan(ENTRIES, plan, out, jobs=2, report=lambda name, seed, state, _: seen.append((name, seed, state)))
    assert 0 < seconds < 600
    for name in ("colour", "narrow"):
        states = [[state for n, s, state in seen if (n, s) == (name, seed)] for seed in (0, 1)]
        assert [states[0][0], states[0][-1], states[1][-1]] == ["waiting", "probed", "done"]
    return out


def test_every_fit_is_scored_image_by_image(done: Path, folder: Path) -> None:
    photos = [photo for photo in scan_folder(folder) if photo.split == "test"]
    for name, seed in (("colour", 0), ("colour", 1), ("narrow", 0), ("narrow", 1)):
        entry = json.loads((job_folder(done, name, seed) / "scores.json").read_text())
        assert [image["file"] for image in entry["images"]] == [
            photo.path.relative_to(folder).as_posix() for photo in photos
        ]
        assert [image["group"] for image in entry["images"]] == [photo.group for photo in photos]
        assert entry["seed"] == seed and entry["supervised"] == (name == "narrow")
        assert entry["steps"] == (60 if name == "narrow" else None) and entry["train_seconds"] >= 0
    # The scores in the file equal those of a model that is fitted here.
    colour = create_model("colour", 32)
    train = load_photos(select(scan_folder(folder), "train", "mpox"), 32, warn=quiet, what="")
    colour.fit(train.pixels, done, Training(), quiet)
    test = load_photos(photos, 32, warn=quiet, what="")
    entry = json.loads((job_folder(done, "colour", 0) / "scores.json").read_text())
    expected = colour.score_samples(test.pixels)
    np.testing.assert_allclose([image["similarity"] for image in entry["images"]], expected, rtol=1e-5)


def test_seeds_differ_where_there_is_chance(done: Path) -> None:
    scores = {
        (name, seed): [
            image["similarity"]
            for image in json.loads((job_folder(done, name, seed) / "scores.json").read_text())["images"]
        ]
        for name in ("colour", "narrow")
        for seed in (0, 1)
    }
    assert scores["colour", 0] == scores["colour", 1]
    assert scores["narrow", 0] != scores["narrow", 1]


def test_probes_come_with_the_first_seed(done: Path) -> None:
    entry = json.loads((job_folder(done, "narrow", 0) / "probe.json").read_text())
    assert entry["milliseconds"] > 0
    assert set(entry["probes"]["made"]) == {"blank", "noise", "text", "blurred"}
    assert not (job_folder(done, "narrow", 1) / "probe.json").exists()


def test_what_is_done_is_kept_and_more_can_be_added(done: Path, folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in done.rglob("scores.json")}
    earlier = json.loads((done / "run_time.json").read_text())["seconds"]
    plan = Plan(folder, size=32, seconds=None, steps=60, seeds=(0,), probes=False)
    entries = [*ENTRIES, Entry("another", "colour")]
    total = run_plan(entries, plan, done, jobs=1, report=quiet)
    assert total > earlier, "run time adds up"
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert (job_folder(done, "another", 0) / "scores.json").exists()
    with pytest.raises(MimError, match=r"a run with other settings \(steps\)"):
        run_plan(ENTRIES, Plan(folder, size=32, seconds=None, steps=61, seeds=(0,)), done, jobs=1, report=quiet)


_RUN = """
import signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs of a shell ignore SIGINT
from mim_tf.comparison.plan import Entry, Plan, run_plan
plan = Plan(Path(sys.argv[1]), size=32, seconds=None, steps=2000, seeds=(0,), probes=False)
run_plan([Entry("classifier", "classifier", {"width": 4})], plan, Path(sys.argv[2]), jobs=1, report=lambda *_: None)
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_comparison_leaves_no_process_and_continues(how: int, folder: Path, tmp_path: Path) -> None:
    """The parent is stopped during a fit; afterwards the folder is unlocked and a second run finds the checkpoint."""
    out = tmp_path / "out"
    command = [sys.executable, "-c", _RUN, str(folder), str(out)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
    state = job_folder(out, "classifier", 0) / "final" / "state.json"
    deadline = time.monotonic() + 120
    while not state.exists():
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.1)
    process.send_signal(how)
    assert process.wait(60) != 0
    reached = json.loads(state.read_text())["step"]
    assert 0 < reached < 2000 and not (state.parents[1] / "scores.json").exists()
    deadline = time.monotonic() + 20
    with pytest.raises(ProcessLookupError):
        while time.monotonic() < deadline:
            os.killpg(process.pid, 0)  # the process group still has a member
            time.sleep(0.1)
    with (out / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    job = json.loads((state.parents[1] / "job.json").read_text())
    (state.parents[1] / "job.json").write_text(json.dumps({**job, "steps": reached + 50}))
    compare_job.fit(state.parents[1])
    entry = json.loads((state.parents[1] / "scores.json").read_text())
    assert entry["steps"] == reached + 50


def test_what_goes_wrong_is_one_line(folder: Path, tmp_path: Path) -> None:
    plan = Plan(folder, size=32, seconds=None, steps=5, seeds=(0,), probes=False)
    with pytest.raises(MimError, match="no method 'magic'; choose one of mim, proxyano"):
        run_plan([Entry("magic", "magic")], plan, tmp_path / "a", jobs=1, report=quiet)
    assert not (tmp_path / "a").exists()
    (tmp_path / "c").mkdir()
    with (tmp_path / "c" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(MimError, match="in use by another comparison; wait for its end or stop it"):
            run_plan([ENTRIES[0]], plan, tmp_path / "c", jobs=1, report=quiet)


@pytest.mark.parametrize(
    ("entries", "changes", "message"),
    [
        (["colour", "colour"], {}, "method colour is named twice; name each method once"),
        (["colour"], {"seeds": (0, 0)}, "seed 0 is named twice"),
        (["colour"], {"seeds": ()}, "no seed is named"),
        (
            ["colour"],
            {"normal_class": "mpocks"},
            "no photographs in train/mpocks: the classes are mpox, no_skin, plain; rename",
        ),
        (["autoencoder"], {"size": 50}, "size 50 is not possible; choose a multiple of 16 from 32 on"),
        (["blur"], {"size": 50}, "no mask set of 2 masks with cells of 6 px covers 50 px"),
        (
            ["colour"],
            {"split": "val"},
            "no class that shows skin other than mpox in val; add photographs of another class",
        ),
        (["classifier"], {"folder": "lonely"}, "no photographs in val beside mpox"),
    ],
)
def test_what_can_be_wrong_is_said_before_the_first_fit(
    entries: list[str], changes: dict[str, Any], message: str, folder: Path, tmp_path: Path
) -> None:
    counts = {"train": {"mpox": 4}, "val": {"mpox": 2}, "test": {"mpox": 2, "plain": 2}}
    lonely = dataset.write_sample(tmp_path / "lonely", counts=counts)
    if changes.get("split") == "val":
        folder = lonely
    if changes.get("folder") == "lonely":
        changes = {"folder": lonely}
    plan = replace(Plan(folder, size=32, seconds=None, steps=5, seeds=(0,), probes=False), **changes)
    with pytest.raises(MimError, match=message):
        run_plan([Entry(name, name) for name in entries], plan, tmp_path / "out", jobs=1, report=quiet)
    assert not (tmp_path / "out").exists()


def test_seeds_steps_and_times_that_are_not_possible_are_refused(folder: Path) -> None:
    for changes, message in (
        ({"seeds": (-1,)}, "seed -1 is not possible; choose a whole number from 0 to 4294967295"),
        ({"seconds": float("nan")}, "training time nan s is not possible"),
        ({"seconds": 0.0}, "training time 0.0 s is not possible"),
        ({"steps": 0}, "number of steps 0 is not possible"),
    ):
        with pytest.raises(MimError, match=message):
            replace(Plan(folder), **changes)


@pytest.mark.parametrize(("name", "content"), [("run_time.json", "{}"), ("run_time.json", '{"seconds": NaN}')])
def test_damaged_files_of_a_comparison_are_named(name: str, content: str, folder: Path, tmp_path: Path) -> None:
    plan = Plan(folder, size=32, seconds=None, steps=5, seeds=(0,), probes=False)
    run_plan([ENTRIES[0]], plan, tmp_path / "out", jobs=1, report=quiet)
    (tmp_path / "out" / name).write_text(content)
    with pytest.raises(MimError, match=rf"{name}: damaged"):
        run_plan([ENTRIES[0]], plan, tmp_path / "out", jobs=1, report=quiet)
    job = job_folder(tmp_path / "out", "colour", 0) / "job.json"
    for content in ("{}", "[]"):
        job.write_text(content)
        with pytest.raises(MimError, match=r"job\.json: damaged .*; run the comparison again"):
            compare_job.fit(job.parent)


def test_more_processes_than_cores_are_refused(folder: Path, tmp_path: Path) -> None:
    jobs = (os.cpu_count() or 1) + 1
    with pytest.raises(MimError, match=r"processes are more than the \d+ cores"):
        run_plan(ENTRIES, Plan(folder), tmp_path / "out", jobs=jobs, report=quiet)


def test_a_failed_fit_does_not_stop_the_others(folder: Path, tmp_path: Path) -> None:
    """A row whose folder holds another method's fit is refused; a fit that fails is reported at the end."""
    plan = Plan(folder, size=32, seconds=None, steps=5, seeds=(0,), probes=False)
    out = tmp_path / "out"
    run_plan([ENTRIES[0]], plan, out, jobs=1, report=quiet)
    broken = job_folder(out, "narrow", 0) / "final"
    broken.mkdir(parents=True)
    (broken / "state.json").write_text("{")
    with pytest.raises(MimError, match=r"narrow/seed0: fit failed \(.*state.json: not JSON"):
        run_plan([ENTRIES[1], Entry("late", "colour")], plan, out, jobs=1, report=quiet)
    assert (job_folder(out, "late", 0) / "scores.json").exists()
    with pytest.raises(MimError, match="late/seed0: holds a fit of another method"):
        run_plan([Entry("late", "blur")], plan, out, jobs=1, report=quiet)


def test_a_row_may_name_a_measure() -> None:
    assert Entry.named("mim:deep") == Entry("mim:deep", "mim", {"measure": "deep"})
    assert Entry.named("blur") == Entry("blur", "blur")


def test_a_plain_folder_is_split_by_the_split_seed_of_the_plan(folder: Path, tmp_path: Path) -> None:
    """Not by the seeds of the fits, whose rows would be scored on different photographs."""
    for label in ("mpox", "plain"):
        (tmp_path / "data" / label).mkdir(parents=True)
        for path in folder.glob(f"*/{label}/*.png"):
            shutil.copy(path, tmp_path / "data" / label)
    plan = Plan(tmp_path / "data", size=32, seconds=None, steps=5, seeds=(0, 1), probes=False, split_seed=6)
    run_plan(ENTRIES[:1], plan, tmp_path / "out", jobs=1, report=quiet)
    expected = [photo.path.name for photo in scan_folder(plan.folder, split_seed=6) if photo.split == "test"]
    for seed in plan.seeds:
        entry = json.loads((job_folder(tmp_path / "out", "colour", seed) / "scores.json").read_text())
        assert [Path(image["file"]).name for image in entry["images"]] == expected
    with pytest.raises(MimError, match=r"other settings \(data, split_seed\)"):
        run_plan(ENTRIES[:1], replace(plan, split_seed=4), tmp_path / "out", jobs=1, report=quiet)


def test_a_group_in_train_and_test_is_refused(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "data")
    (first,) = list((tmp_path / "data/train/mpox").glob("*.png"))[:1]
    (second,) = list((tmp_path / "data/test/mpox").glob("*.png"))[:1]
    rows = [f"train/mpox/{first.name},p", f"test/mpox/{second.name},p"]
    (tmp_path / "data/MANIFEST.csv").write_text("\n".join(["file,group", *rows]))
    plan = Plan(tmp_path / "data", size=32, seconds=None, steps=5, seeds=(0,), probes=False)
    with pytest.raises(MimError, match=rf"group p is in train \({first.name}\) and test \({second.name}\)"):
        run_plan(ENTRIES[:1], plan, tmp_path / "out", jobs=1, report=quiet)
    assert not (tmp_path / "out").exists()
