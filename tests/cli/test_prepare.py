"""`mim-tf prepare`: its output and its errors."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import made_collections as made
from commands import Run, assert_one_line
from made_collections import SIDE, picture, save, write_csv, zipped


def test_tables_sentences_and_json(run: Run, tmp_path: Path) -> None:
    sources = (made.msld_v1(tmp_path / "v1", patients=1), made.fitzpatrick17k(tmp_path / "fitz", count=1))
    words = ("prepare", *sources, "--min-side", SIDE)
    result = run(*words, "--out", tmp_path / "data")
    assert result.status == 0, result.err
    for line in (
        "Pictures by source and class",
        "groups in more than one split: 0",
        "fitzpatrick17k: the lowest 14% of each picture are cut off",
        "1 groups of mpox",
        "the smallest alpha of G groups is 1/(G+1)",
        "copy in another fold",
        "read report.md; then mim-tf train --data",
    ):
        assert line in result.out, result.out
    assert all(f"{stage} 5/5" in result.err for stage in ("read", "decode", "compare", "write"))
    other = run(*words, "--out", tmp_path / "again", "--json")
    assert json.loads(other.out) == json.loads((tmp_path / "data" / "report.json").read_text())
    seeded = run(*words, "--out", tmp_path / "seeded", "--split-seed", 7, "--json")
    assert json.loads(seeded.out)["split_seed"] == 7


def test_warnings_are_in_the_report_and_the_command_can_be_copied(run: Run, tmp_path: Path) -> None:
    save(tmp_path / "clinic" / "mpox" / "a.png", picture(0))
    result = run("prepare", f"plain={tmp_path / 'clinic'}", "--out", tmp_path / "my data", "--min-side", SIDE)
    warning = "no MANIFEST.csv, so that each of 1 photographs is a group"
    assert warning in result.err and f"mim-tf train --data '{tmp_path / 'my data'}' --out RUN" in result.out
    (noted,) = json.loads((tmp_path / "my data" / "report.json").read_text())["warnings"]
    assert warning in noted and "no MANIFEST.csv" in (tmp_path / "my data" / "report.md").read_text()


def test_bad_inputs_are_one_line(run: Run, tmp_path: Path) -> None:
    msid = made.msid(tmp_path / "msid", 1)
    out = tmp_path / "out"
    (tmp_path / "empty").mkdir()
    assert_one_line(run("prepare", tmp_path / "absent", "--out", out), "absent: no such file or folder")
    assert_one_line(run("prepare", tmp_path / "empty", "--out", out), "empty: no pictures in it")
    assert_one_line(run("prepare", msid, "--out", msid / "out"), "is inside the data folder")
    assert_one_line(run("prepare", msid, "--out", tmp_path), "exists and is not an empty folder")
    assert_one_line(run("prepare", msid, "--out", out, "--min-side", 0), "smallest side 0 is not possible")
    assert_one_line(run("prepare", msid, "--out", out, "--split-seed", -1), "split seed -1 is not possible")
    assert_one_line(run("prepare", f"magic={msid}", "--out", out), "no kind", "msld-v1, msld-v2, msid")
    assert_one_line(run("prepare", "--out", out), "sources")
    assert_one_line(run("prepare", msid), "--out")
    damaged = zipped(msid, tmp_path / "damaged.zip")
    damaged.write_bytes(damaged.read_bytes()[:-40])
    assert_one_line(run("prepare", damaged, "--out", out), "damaged.zip: not a readable .zip archive", "download it")
    save(tmp_path / "fitz" / "a.jpg", picture(0))
    write_csv(tmp_path / "fitz" / "fitzpatrick17k.csv", [("md5hash", "label")])
    assert_one_line(run("prepare", tmp_path / "fitz", "--out", out), "lacks the columns fitzpatrick_scale, qc")
    assert not out.exists() and sorted(path.name for path in msid.iterdir()) == [
        *("Chickenpox", "Measles", "Monkeypox", "Normal")
    ]


def test_without_scikit_image_the_extra_is_named(tmp_path: Path) -> None:
    hidden = "import sys; sys.modules['skimage'] = None; sys.argv = ['mim-tf', 'prepare', 'x', '--out', 'y']; "
    done = subprocess.run(
        [sys.executable, "-c", hidden + "from mim_tf.cli.app import main; main()"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": ":".join(filter(None, sys.path))},
    )
    assert done.returncode == 2
    assert done.stderr.strip() == "preparing data needs scikit-image: pip install 'mim-tf[train]'"
