"""`mim_tf.cli.app`: commands and user errors."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import traceback
from pathlib import Path

import numpy as np
import pytest
from commands import Result, Run, assert_one_line
from PIL import Image
from rich.console import Console
from small_bundle import write_small_bundle

from mim_export.bundle.export import _sample
from mim_export.score.locks import exclusive_lock
from mim_export.score.manifest import RELEASED, read_manifest
from mim_tf.cli import app as cli
from mim_tf.cli import tables as show
from mim_tf.data.folder import scan_folder
from mim_tf.data.splits import split_of_group
from mim_tf.detector import Detector
from mim_tf.synthetic import dataset

COUNTS = {"train": {"mpox": 12}, "val": {"mpox": 40, "plain": 8}, "test": {"mpox": 6, "plain": 6, "no_skin": 6}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dataset.write_sample(tmp_path_factory.mktemp("cli") / "data", counts=COUNTS)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    Image.fromarray(dataset.render("mpox", [3])[0]).save(path, quality=95)
    return path


def test_score_gives_a_row_for_each_image_and_names_the_broken_ones(run: Run, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for number, pixels in enumerate(dataset.render("plain", range(8))):
        Image.fromarray(pixels).save(photos / f"{number}.jpg")
    (photos / "broken.jpg").write_text("not an image")
    (photos / "cut.jpg").write_bytes((photos / "0.jpg").read_bytes()[:500])
    result = run("score", photos, "--json")
    rows = json.loads(result.out)
    assert result.status == 2 and len(rows) == 10
    unreadable = {Path(row["image"]).name: row for row in rows if row["reason"] == "unreadable"}
    assert set(unreadable) == {"broken.jpg", "cut.jpg"}
    assert all(row["similarity"] is None and row["verdict"] == "cannot-judge" for row in unreadable.values())
    named = [line for line in result.err.splitlines() if "not a readable image" in line]
    assert len(named) == 2 and "broken.jpg" in named[0] + named[1]


def test_score_prints_a_line_an_image(run: Run, photo: Path) -> None:
    result = run("score", photo)
    assert result.status == 0
    assert result.out.startswith(f"{photo}: ") and "p-value" in result.out and len(result.out.splitlines()) == 1


def test_command_and_module_say_the_same(run: Run, photo: Path) -> None:
    ours = run("score", photo, "--json")
    module = subprocess.run(
        [sys.executable, "-m", "mim_export.score", str(photo), "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(ours.out) == json.loads(module.stdout)


def test_train_evaluate_and_export_a_baseline(run: Run, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    result = run("train", "--data", folder, "--out", out, "--method", "colour", "--json")
    assert result.status == 0, result.err
    summary = json.loads(result.out)
    assert summary["groups"] == 20 and summary["method"] == "split" and summary["alpha"] == 0.05
    # Two images are a group of the synthetic folder.
    reference = summary["reference"]
    assert (reference["groups"], reference["conditions"], reference["beta"]) == (4, ["plain"], 0.2)
    assert "mpox-like" in summary["guarantee"] and "conditions equally frequent" in reference["guarantee"]
    tables = Detector.load(out).tables
    assert (summary["threshold"], reference["threshold"]) == (tables.calibration.threshold, tables.reference.threshold)
    # Without --json: both guarantees, on one line.
    line = run("train", "--data", folder, "--out", out, "--method", "colour").out
    assert line == f"{out}: {summary['guarantee']}; {reference['guarantee']}\n"
    result = run("evaluate", out, "--data", folder, "--out", tmp_path / "evaluation", "--json")
    metrics = json.loads(result.out)
    assert metrics == json.loads((tmp_path / "evaluation" / "metrics.json").read_text())
    assert metrics["classes"]["no_skin"]["auroc"] > 0.9 and not metrics["classes"]["no_skin"]["skin"]
    assert metrics["mean_auroc"] == metrics["classes"]["plain"]["auroc"]
    for name in ("roc", "verdicts", "alterations"):
        assert (tmp_path / "evaluation" / f"{name}.png").stat().st_size > 10_000
    probes = json.loads((tmp_path / "evaluation" / "probes.json").read_text())
    assert set(probes["alterations"]["classes"]) == {"plain"}
    assert_one_line(run("export", out, "--out", tmp_path / "bundle"), "colour", "no reconstruction")
    assert not (tmp_path / "bundle").exists()


def test_several_folders_are_evaluated_by_a_column(run: Run, folder: Path, tmp_path: Path) -> None:
    assert run("train", "--data", folder, "--out", tmp_path / "run", "--method", "colour").status == 0
    other = tmp_path / "other"
    (other / "test/eczema").mkdir(parents=True)
    names = sorted(path.name for path in (folder / "test/plain").iterdir())
    for name in names:  # the same pixels in other files
        Image.open(folder / "test/plain" / name).save(other / "test/eczema" / name, compress_level=9)
    rows = [f"test/eczema/{name},{name},{1 + 5 * (i % 2)}" for i, name in enumerate(names)]
    (other / "MANIFEST.csv").write_text("\n".join(["file,group,Skin_Type", *rows]))
    words = ("evaluate", tmp_path / "run", "--data", folder, "--data", other, "--out", tmp_path / "report")
    result = run(*words, "--by", "Skin_Type")
    assert result.status == 0, result.err
    assert "verdicts on 100 photographs" in result.out and "of other skin by skin_type" in result.out
    metrics = json.loads((tmp_path / "report" / "metrics.json").read_text())
    assert metrics["classes"]["eczema"]["auroc"] == metrics["classes"]["plain"]["auroc"]
    by_type = metrics["verdicts"]["by"]["skin_type"]["values"]
    plain = metrics["verdicts"]["classes"]["plain"]["images"]
    assert {value: entry["images"] for value, entry in by_type.items()} == {
        "1": (len(names) + 1) // 2,
        "6": len(names) // 2,
        "not stated": plain,
    }
    assert_one_line(run(*words, "--by", "age"), "no column 'age'", "skin_type")


def write_skin(folder: Path, labels: dict[str, int], first: int) -> Path:
    """Writes photographs of these classes, each with a content of its own."""
    for label, count in labels.items():
        (folder / label).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            pixels = dataset.render("scales", [first], size=64)[0]
            Image.fromarray(pixels).save(folder / label / f"{number}.png")
            first += 2
    return folder


def test_a_reference_adds_conditions(run: Run, folder: Path, tmp_path: Path) -> None:
    """Of a plain folder and of one with splits, whose `test` stays unseen; groups of two folders are different ones."""
    plain = write_skin(tmp_path / "plain", {"acne": 2, "no_skin": 1}, 300)
    for split, first in (("train", 400), ("val", 420), ("test", 440)):
        write_skin(tmp_path / "split" / split, {"acne": 1, "eczema": 2}, first)
    words = ("train", "--data", folder, "--method", "colour", "--alpha", 0.1, "--beta", 0.125)
    both = ("--reference", plain, "--reference", tmp_path / "split")
    result = run(*words, *both, "--out", tmp_path / "run", "--json")
    assert result.status == 0, result.err
    summary = json.loads(result.out)
    assert summary["alpha"] == 0.1 and summary["reference"]["beta"] == 0.125
    detector = Detector.load(tmp_path / "run")
    found = {one.name: (one.images, one.groups) for one in detector.tables.reference.conditions}
    assert found == {"acne": (3, 3), "eczema": (2, 2), "plain": (8, 4)}
    groups = sorted(row[2] for row in detector.photographs if row[0] == "reference")
    assert groups == [
        "0:acne/0.png",
        "0:acne/1.png",
        *(f"1:val/{name}.png" for name in ("acne/0", "eczema/0", "eczema/1")),
    ]
    assert detector.about["further_reference"] == 5
    assert_one_line(run(*words, "--reference", plain, "--out", tmp_path / "run"), "other settings (reference)")
    for name, value in (("--alpha", 0.2), ("--beta", 0.25)):
        changed = run(*words, *both, name, value, "--out", tmp_path / "run")
        assert_one_line(changed, f"other settings ({name[2:]})")
    # A photograph of the reference is refused in test.
    test = tmp_path / "data"
    shutil.copytree(folder / "test", test / "test")
    shutil.copy(plain / "acne" / "0.png", test / "test" / "plain")
    leaking = run("evaluate", tmp_path / "run", "--data", test, "--out", tmp_path / "report")
    assert_one_line(leaking, "1 photographs of test were fitted or calibrated on", "0.png", "remove")


def test_a_reference_that_cannot_be_one_is_one_line(run: Run, folder: Path, tmp_path: Path) -> None:
    words = ("train", "--data", folder, "--method", "colour", "--out", tmp_path / "run", "--reference")
    wrong = write_skin(tmp_path / "wrong", {"acne": 1, "mpox": 1}, 300)
    assert_one_line(run(*words, wrong), "is of the class mpox, not of another; remove this class")
    (tmp_path / "leaking").mkdir()
    shutil.copytree(folder / "test" / "plain", tmp_path / "leaking" / "acne")
    assert_one_line(
        run(*words, tmp_path / "leaking"), "acne", "is in the reference and in test; remove it from the ref"
    )
    unused = write_skin(tmp_path / "unused" / "test", {"acne": 1}, 320).parent
    assert_one_line(run(*words, unused), "unused: no photographs in val; add other skin to val")
    assert not (tmp_path / "run").exists()


def test_a_photograph_is_trained_on_or_of_the_reference(run: Run, folder: Path, tmp_path: Path) -> None:
    others = write_skin(tmp_path / "others", {"acne": 2}, 300)
    words = ("train", "--data", folder, "--out", tmp_path / "run", "--negatives", others, "--reference", others)
    assert_one_line(run(*words), "is in the reference and in the negatives; remove it from one of them")
    assert not (tmp_path / "run").exists()


def test_too_little_other_skin_is_named(run: Run, folder: Path, tmp_path: Path) -> None:
    words = ("train", "--data", folder, "--method", "colour", "--out", tmp_path / "run", "--beta", 0.125)
    result = run(*words)
    assert result.status == 0 and "no image is called mpox-like: there are 4 groups of other skin" in result.out
    lines = [line for line in result.err.splitlines() if "groups of other skin are too few for beta 0.125" in line]
    assert len(lines) == 1 and lines[0].endswith("add other classes to val, or a reference")
    result = run("evaluate", tmp_path / "run", "--data", folder, "--out", tmp_path / "report", "--json")
    metrics = json.loads(result.out)
    assert metrics["sensitivity"]["value"] == 0
    shares = metrics["verdicts"]["classes"]["mpox"]["shares"]
    assert metrics["excluded"]["value"] == shares["not-mpox-like"]["value"]


@pytest.mark.slow
def test_compare_writes_a_page_and_continues(run: Run, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "compare"
    words = (
        "compare",
        "--data",
        folder,
        "--methods",
        "colour",
        "--seeds",
        0,
        "--minutes",
        1,
        "--size",
        32,
        "--out",
        out,
    )
    first = run(*words)
    assert first.status == 0, first.err
    assert "colour seed 0 done" in first.err and "run time" in first.out
    again = run(*words, "--json")
    result = json.loads(again.out)
    assert result == json.loads((out / "comparison.json").read_text())
    assert result["rows"]["colour"]["probes"]["made"]["noise"]["auroc"] > 0.9
    page = (out / "comparison.md").read_text()
    assert "mim-tf compare --data DIR --methods colour --seeds 0 --minutes 1 --size 32" in page
    for name in ("comparison.png", "probes_colour.png"):
        assert (out / name).stat().st_size > 10_000
    assert_one_line(run(*words[:-2], "--out", out, "--minutes", 2), "other settings (seconds)", "name another folder")
    assert_one_line(run("compare", "--data", folder, "--seeds", "a,b", "--out", out), "seeds 'a,b'", "0,1,2")
    assert_one_line(run("compare", "--data", folder, "--methods", "mim,magic", "--out", out), "magic", "choose one of")


def test_a_run_is_continued_with_its_own_settings_only(run: Run, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = ("train", "--data", folder, "--out", out, "--method", "blur")
    assert run(*words).status == 0
    assert run(*words).status == 0
    assert_one_line(run(*words, "--seed", 1), "other settings (training)", "name another folder")


def test_a_plain_folder_is_evaluated_by_the_split_of_its_training(run: Run, folder: Path, tmp_path: Path) -> None:
    """Whatever --seed is: otherwise photographs of the training would be in test."""
    data, out = tmp_path / "data", tmp_path / "run"
    for label in ("mpox", "plain"):
        (data / label).mkdir(parents=True)
        for path in folder.glob(f"*/{label}/*.png"):
            shutil.copy(path, data / label)
    words = ("train", "--data", data, "--out", out, "--method", "colour", "--seed", 1)
    assert run(*words, "--split-seed", 3).status == 0
    assert_one_line(run(*words), "other settings (data, split_seed)")
    evaluate = ("evaluate", out, "--data", data, "--out", tmp_path / "report")
    result = run(*evaluate, "--seed", 2, "--json")
    assert result.status == 0, result.err
    test = [path for path in (data / "mpox").iterdir() if split_of_group(f"mpox/{path.name}", 3) == "test"]
    assert json.loads(result.out)["sensitivity"]["images"] == len(test)
    assert_one_line(run(*evaluate, "--split-seed", 4), "split seed 4", "training used 3", "set it to 3")
    assert run(*evaluate, "--split-seed", 3).status == 0
    export = ("export", out, "--data", data, "--out", tmp_path / "bundle")
    assert_one_line(run(*export, "--split-seed", 4), "split seed 4", "training used 3")
    # The same photographs, sorted into splits by hand.
    by_hand = tmp_path / "by_hand"
    for label in ("mpox", "plain"):
        shutil.copytree(data / label, by_hand / "test" / label)
    leaking = ("evaluate", out, "--data", by_hand, "--out", tmp_path / "other")
    assert_one_line(run(*leaking), "photographs of test were fitted or calibrated on", "more; remove")
    assert not (tmp_path / "other").exists()


def test_output_inside_the_data_folder_is_one_line(run: Run, folder: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(folder, data)
    before = sorted(data.rglob("*"))
    inside = "is inside the data folder"
    assert_one_line(
        run("train", "--data", data, "--out", data / "run", "--method", "colour"), inside, "choose a folder outside"
    )
    negatives = ("--negatives", data, "--out", data / "run")
    assert_one_line(run("train", "--data", folder, *negatives), inside, "choose a folder outside")
    references = ("--reference", folder, "--reference", data, "--out", data / "run")
    assert_one_line(run("train", "--data", folder, *references), inside, "choose a folder outside")
    assert_one_line(run("evaluate", RELEASED, "--data", data, "--out", data / "report"), inside)
    assert_one_line(run("compare", "--data", data, "--methods", "colour", "--out", data / "compare"), inside)
    assert_one_line(run("export", tmp_path / "run", "--data", data, "--out", data / "bundle"), inside)
    assert sorted(data.rglob("*")) == before


def test_manifest_rows_that_match_nothing_are_named(run: Run, folder: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(folder, data)
    text = (data / "MANIFEST.csv").read_text()
    (data / "MANIFEST.csv").unlink()
    (data / "manifest.csv").write_text(text.replace("/", "\\") + "absent.png,,,p99\n")
    result = run("train", "--data", data, "--out", tmp_path / "run", "--method", "colour", "--json")
    assert json.loads(result.out)["groups"] == 20
    assert "manifest.csv: 1 rows match no photograph (absent.png); correct" in result.err


def test_wrong_folders_and_files_are_one_line(run: Run, folder: Path, tmp_path: Path, photo: Path) -> None:
    out = tmp_path / "out"
    (tmp_path / "empty").mkdir()
    assert_one_line(run("train", "--data", tmp_path / "absent", "--out", out), "absent", "no such folder")
    assert_one_line(run("train", "--data", tmp_path / "empty", "--out", out), "empty", "no images")
    assert_one_line(run("train", "--data", folder, "--out", out, "--normal-class", "acne"), "train/acne")
    assert_one_line(run("train", "--data", folder, "--out", out, "--method", "magic"), "magic", "mim")
    assert_one_line(run("train", "--data", folder, "--out", out, "--size", 50), "50")
    assert_one_line(run("train", "--data", folder, "--out", out, "--width", 0), "width 0 is not possible")
    assert_one_line(run("train", "--data", folder, "--out", photo, "--method", "blur"), "photo.jpg")
    assert_one_line(run("train", "--data", folder, "--out", out, "--alpha", 0.001), "alpha 0.001", "use alpha 0.0")
    reference = ("train", "--data", folder, "--out", out, "--reference")
    assert_one_line(run(*reference, tmp_path / "absent"), "absent", "no such folder")
    assert_one_line(run(*reference, tmp_path / "empty"), "empty", "no images")
    assert_one_line(run("evaluate", tmp_path / "empty", "--data", folder, "--out", out), "not a run folder")
    assert_one_line(
        run("evaluate", RELEASED, "--data", folder, "--split", "nine", "--out", out), "nine", "name another split"
    )
    assert_one_line(run("export", tmp_path / "absent", "--out", out), "not a run folder")
    assert_one_line(run("score", tmp_path / "empty"), "no images")
    assert_one_line(run("score", photo, "--bundle", tmp_path / "empty"), "manifest.json")
    assert_one_line(run("verify", tmp_path / "empty"), "manifest.json")
    assert_one_line(run("demo", "--out", photo.parent), "not a demo")
    assert_one_line(run("demo", "--out", photo.parent / "new", "--steps", 0), "number of steps 0 is not possible")
    assert_one_line(run("train", "--nonsense"), "--nonsense")
    assert not out.exists()


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--seed", "-1"), "seed -1 is not possible"),
        (("--seed", 2**32), "seed 4294967296 is not possible"),
        (("--size", "-5"), "size -5 is not possible"),
        (("--size", 0), "size 0 is not possible"),
        (("--steps", "-1"), "number of steps -1 is not possible"),
        (("--batch-size", 0), "batch size 0 is not possible"),
        (("--alpha", "nan"), "alpha nan is not between 0 and 1"),
        (("--alpha", 1.5), "alpha 1.5 is not between 0 and 1"),
        (("--alpha", 0), "alpha 0 is not between 0 and 1"),
        (("--beta", "nan"), "beta nan is not between 0 and 1"),
        (("--beta", "-0.2"), "beta -0.2 is not between 0 and 1"),
        (("--beta", 1), "beta 1 is not between 0 and 1"),
        (("--sensitivity", 0.95), "--sensitivity"),
        (("--minutes", "nan"), "training time nan s is not possible"),
        (("--minutes", "inf"), "training time inf s is not possible"),
        (("--precision", "float16"), "float16"),
        (("--strategy", "all"), "unknown strategy 'all'; choose one, mirrored, multiworker"),
        (("--strategy", "mirrored", "--engine", "ray"), "--strategy and --engine ray exclude each other"),
    ],
)
def test_numbers_out_of_range_are_one_line_before_any_work(
    run: Run, tmp_path: Path, words: tuple[object, ...], named: str
) -> None:
    """The data folder does not exist, which would be said first if it were read."""
    assert_one_line(run("train", "--data", tmp_path / "absent", "--out", tmp_path / "out", *words), named)
    assert not (tmp_path / "out").exists()


def test_terms_that_cannot_be_read_are_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes("Für Forschung".encode("latin-1"))
    for name, words in (("latin.txt", ("not a text in UTF-8", "save it as UTF-8")), ("absent.txt", ("no such file",))):
        result = run("export", tmp_path / "run", "--out", tmp_path / "bundle", "--terms", tmp_path / name)
        assert_one_line(result, name, *words)


def test_outputs_are_checked_before_long_work(
    run: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each command refuses a file as its output folder before it reads a run or decodes a photograph."""
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("mim_tf.data.folder.Photograph", None)
    out = tmp_path / "file"
    assert_one_line(run("train", "--data", folder, "--out", out, "--method", "blur"), "file: not a directory")
    assert_one_line(run("evaluate", tmp_path / "absent", "--data", folder, "--out", out), "file: not a directory")
    assert_one_line(run("compare", "--data", folder, "--methods", "blur", "--out", out), "file: not a directory")
    assert_one_line(run("export", tmp_path / "absent", "--out", out), "file: exists and is not an empty folder")
    assert_one_line(run("export", tmp_path / "absent", "--out", tmp_path), "exists and is not an empty folder")


def test_a_run_in_use_is_one_line(run: Run, folder: Path, tmp_path: Path) -> None:
    words = ("train", "--data", folder, "--out", tmp_path / "run", "--method", "blur")
    with exclusive_lock(tmp_path / "run", "training"):
        assert_one_line(run(*words), "run: in use by another training", "wait for its end")
    assert run(*words).status == 0


@pytest.mark.parametrize("content", ["{}", "[]", '{"step": "x", "seconds": 1, "checkpoint": "a"}', "{"])
def test_a_damaged_state_is_one_line(run: Run, folder: Path, tmp_path: Path, content: str) -> None:
    (tmp_path / "run" / "final").mkdir(parents=True)
    (tmp_path / "run" / "final" / "state.json").write_text(content)
    words = ("train", "--data", folder, "--out", tmp_path / "run", "--method", "autoencoder", "--size", 32)
    assert_one_line(run(*words), "exists and is not a run")
    (tmp_path / "run" / "final").rename(tmp_path / "final")
    assert run(*words, "--steps", 1, "--width", 2).status == 0
    (tmp_path / "run" / "detector.json").unlink()
    (tmp_path / "run" / "final" / "state.json").write_text(content)
    assert_one_line(run(*words, "--steps", 1, "--width", 2), "state.json", "remove the run folder and train again")


def test_a_run_can_be_kept_without_photographs(run: Run, folder: Path, tmp_path: Path) -> None:
    words = ("train", "--data", folder, "--method", "autoencoder", "--size", 32, "--width", 2, "--steps", 1)
    assert run(*words, "--out", tmp_path / "with").status == 0
    assert run(*words, "--out", tmp_path / "without", "--no-keep-sample").status == 0
    pictures = {path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob("*.png")}
    assert pictures == {"with"} and not (tmp_path / "without" / "sample.npy").exists()
    for out, other in (("with", "--no-keep-sample"), ("without", "--keep-sample")):
        assert_one_line(run(*words, "--out", tmp_path / out, other), "other settings (keep_sample)")
    result = run("export", tmp_path / "without", "--out", tmp_path / "bundle")
    assert_one_line(result, "without: keeps no photographs", "name the data folder that it was trained on")
    # The same images are taken from the data folder.
    kept, less = (Detector.load(tmp_path / name) for name in ("with", "without"))
    found = _sample(less, scan_folder(folder), tmp_path / "without", print)
    np.testing.assert_array_equal(found, kept.sample)
    np.testing.assert_array_equal(_sample(kept, None, tmp_path / "with", print), kept.sample)


def test_export_writes_the_archives_that_pack_writes(
    run: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def export_run(run_folder: Path, bundle: Path, *_: object) -> dict[str, object]:
        return read_manifest(write_small_bundle(bundle))

    monkeypatch.setattr("mim_export.bundle.export.export_run", export_run)
    bundle = tmp_path / "bundle"
    words = ("export", tmp_path / "run", "--out", bundle)
    assert_one_line(run(*words, "--zip", bundle / "zips"), "is inside the bundle", "choose a folder outside it")
    assert_one_line(run(*words, "--data", folder, "--zip", folder / "zips"), "is inside the data folder")
    assert not bundle.exists() and not (folder / "zips").exists()
    assert run(*words, "--zip", tmp_path / "zips").status == 0
    result = run("pack", bundle, "--out", tmp_path / "packed", "--json")
    assert result.status == 0, result.err
    names = ["SHA256SUMS", "app.zip", "full.zip"]
    for out in ("zips", "packed"):
        assert sorted(path.name for path in (tmp_path / out).iterdir()) == names
    for name in names:
        assert (tmp_path / "zips" / name).read_bytes() == (tmp_path / "packed" / name).read_bytes()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("size", "large"),
        ("size", None),
        ("options", []),
        ("calibration", {}),
        ("reference", {}),
        ("reference", None),
        ("gate", None),
        ("about", 5),
        ("sample_images", 7),
        ("sample_images", None),
    ],
)
def test_damaged_values_of_a_run_are_one_line(run: Run, folder: Path, tmp_path: Path, key: str, value: object) -> None:
    out = tmp_path / "run"
    assert run("train", "--data", folder, "--out", out, "--method", "blur").status == 0
    entry = json.loads((out / "detector.json").read_text())
    (out / "detector.json").write_text(json.dumps({**entry, key: value}))
    result = run("evaluate", out, "--data", folder, "--out", tmp_path / "evaluation")
    assert_one_line(result, "run/", "train again into a new folder")
    entry["calibration"]["similarities"][0] = float("nan")
    (out / "detector.json").write_text(json.dumps(entry))
    evaluated = run("evaluate", out, "--data", folder, "--out", tmp_path / "evaluation")
    assert_one_line(evaluated, "similarities of the calibration are not finite numbers")


def test_runs_of_another_version_are_refused(run: Run, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = ("train", "--data", folder, "--out", out, "--method", "blur")
    run(*words)
    for name in ("detector.json", "settings.json"):
        entry = json.loads((out / name).read_text())
        (out / name).write_text(json.dumps({**entry, "format": 0}))
    evaluated = run("evaluate", out, "--data", folder, "--out", tmp_path / "evaluation")
    assert_one_line(evaluated, "detector.json", "format 0", "train again")
    assert_one_line(run(*words), "settings.json", "format 0")


@pytest.mark.skipif(not os.access("/dev/full", os.W_OK), reason="there is no /dev/full here")
def test_a_full_disk_is_one_line_and_leaves_nothing(
    run: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        with open("/dev/full", "wb", buffering=0) as device:
            device.write(b"x")

    monkeypatch.setattr(np, "save", full)
    out = tmp_path / "run"
    result = run("train", "--data", folder, "--out", out, "--method", "blur")
    assert_one_line(result, "sample.npy", "no space left on device", "free some space")
    assert sorted(path.name for path in out.iterdir()) == [".lock", "settings.json"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="another user is tried in a forked process")
def test_folders_without_permission_are_one_line(run: Run, tmp_path: Path) -> None:
    """As another user, since root can read all files; forked, since that user may not be able to run root's Python."""
    # Lazy imports of the command happen here, before the privileges are dropped.
    assert run("train", "--data", tmp_path / "absent", "--out", tmp_path / "out").status == 2
    closed = tmp_path / "closed"
    (closed / "train" / "mpox").mkdir(parents=True)
    (closed / "train" / "mpox" / "a.png").write_bytes(b"")
    (closed / "train").chmod(0)
    own = [folder for folder in tmp_path.parents if any(part.startswith("pytest-of-") for part in folder.parts)]
    for parent in (tmp_path, *own):
        parent.chmod(0o755)
    with (tmp_path / "err").open("w+b") as err:
        child = os.fork()
        if child == 0:
            os.dup2(err.fileno(), 2)
            if os.geteuid() == 0:
                os.setgid(65534)
                os.setuid(65534)
            sys.argv = ["mim-tf", "train", "--data", str(closed), "--out", str(tmp_path / "out")]
            show.err = Console(file=os.fdopen(2, "w"), emoji=False, soft_wrap=True, highlight=False)
            try:
                cli.main()
            except SystemExit as stop:
                show.err.file.flush()
                os._exit(int(stop.code or 0))
            except BaseException:
                traceback.print_exc()
                os._exit(70)
        _, status = os.waitpid(child, 0)
        err.seek(0)
        text = err.read().decode()
    (closed / "train").chmod(0o755)
    assert_one_line(Result(os.waitstatus_to_exitcode(status), "", text), "train", "permission", "allow")


def test_help_names_every_command(run: Run) -> None:
    result = run("--help")
    assert result.status == 0
    names = ("demo", "prepare", "train", "evaluate", "compare", "export", "verify", "score", "bench", "pack", "app")
    assert all(name in result.out for name in names)
