"""`mim_export.score.batch` and `mim_export.score.output`: order, processes, interruption, names."""

from __future__ import annotations

import io
import json
import os
import signal
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mim_export.score.batch import list_photographs, score_images, score_paths
from mim_export.score.errors import MimError
from mim_export.score.output import _Bar, print_scores, to_line
from mim_export.score.scorer import Scorer


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 photographs, and two files that cannot be read."""
    folder = tmp_path_factory.mktemp("photos")
    for number in range(20):
        pixels = np.random.default_rng(number).integers(0, 256, (6, 7, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((240, 200)).save(folder / f"{number:02}.png")
    (folder / "05.jpg").write_text("no image")
    (folder / "15.jpg").write_bytes((folder / "15.png").read_bytes()[:60])
    return folder


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer()


def _module(*words: object, **options: Any) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "mim_export.score", *map(str, words)]
    return subprocess.run(command, capture_output=True, check=False, **options)


@pytest.mark.slow
def test_processes_give_the_same_rows_in_the_same_order(scorer: Scorer, photos: Path) -> None:
    images = list_photographs([photos])
    alone = list(score_images(scorer, images, 1))
    together = list(score_images(scorer, images, 2))
    assert [row for row, _ in together] == [row for row, _ in alone]
    assert [str(error) for _, error in together] == [str(error) for _, error in alone]
    assert score_paths(scorer, [photos])[0] == [row for row, _ in alone]


def test_a_photograph_of_too_many_pixels_has_its_own_reason(scorer: Scorer, tmp_path: Path) -> None:
    """As the header of the PNG says: 10,001 x 10,000. The remedy is another one than for a damaged file."""
    Image.new("1", (1, 1)).save(tmp_path / "a.png")
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[16:24] = struct.pack(">II", 10_001, 10_000)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    (tmp_path / "a.png").write_bytes(content)
    rows, (error,) = score_paths(scorer, [tmp_path / "a.png"])
    numbers = dict.fromkeys(("similarity", "p_class", "p_other"))
    image = str(tmp_path / "a.png")
    assert rows == [{"image": image, **numbers, "verdict": "cannot-judge", "reason": "too large"}]
    assert str(error) == f"{image}: has more than 100,000,000 pixels; shrink the image"
    assert to_line(rows[0], "mpox") == f"{image}: cannot-judge (too large)"


def test_a_scorer_that_cannot_be_pickled_works_alone(photos: Path) -> None:
    scorer = Scorer()
    make = scorer._make_interpreter
    scorer._make_interpreter = lambda content: make(content)
    assert len(list(score_images(scorer, list_photographs([photos]), 2))) == 22


def test_rows_come_before_all_images_are_scored(scorer: Scorer, photos: Path) -> None:
    rows = score_images(scorer, [photos / "00.png", photos / "01.png"], 1)
    assert next(rows)[0]["image"].endswith("00.png")


@pytest.mark.parametrize("form", ["text", "json", "jsonl"])
def test_forms_hold_the_same(scorer: Scorer, photos: Path, capsys: pytest.CaptureFixture[str], form: Any) -> None:
    images = list_photographs([photos])[:9]
    expected = [row for row, _ in score_images(scorer, images)]
    assert print_scores(scorer, images, form, 1) == 2
    output, errors = capsys.readouterr()
    if form == "text":
        assert [line.split(": ")[0] for line in output.splitlines()] == [row["image"] for row in expected]
    else:
        lines = output.splitlines() if form == "jsonl" else []
        assert ([json.loads(line) for line in lines] or json.loads(output)) == expected
    assert len(errors.splitlines()) == 1 and "05.jpg" in errors


def test_an_interruption_keeps_the_rows_so_far(
    scorer: Scorer, photos: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> Any:
        numbers = {"similarity": 0.5, "p_class": 0.5, "p_other": 0.1}
        yield {"image": "a", **numbers, "verdict": "mpox-like", "reason": None}, None
        raise KeyboardInterrupt

    monkeypatch.setattr("mim_export.score.output.score_images", interrupted)
    for form in ("text", "json", "jsonl"):
        assert print_scores(scorer, ["a", "b"], form) == 130
        output, errors = capsys.readouterr()
        assert errors == "stopped\n"
        assert '"a"' in output if form != "text" else output.startswith("a: mpox-like")
        if form == "json":
            assert len(json.loads(output)) == 1


def test_a_line_of_text_names_the_class_of_the_model() -> None:
    numbers = {"similarity": 0.5, "p_class": 0.02, "p_other": 0.4}
    row = {"image": "a.jpg", **numbers, "verdict": "not-mpox-like", "reason": None}
    p_values = "p-values 0.020 of measles, 0.400 of other skin"
    assert to_line(row, "measles") == f"a.jpg: not-measles-like  similarity 0.5000  {p_values}"
    undecided = {**row, "verdict": "undecided"}
    assert to_line(undecided, "measles") == f"a.jpg: undecided  similarity 0.5000  {p_values}"
    refused = {**row, **dict.fromkeys(numbers), "verdict": "cannot-judge", "reason": "unreadable"}
    assert to_line(refused, "measles") == "a.jpg: cannot-judge (unreadable)"


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals are sent to a process group")
@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_stops_all_processes(photos: Path, jobs: int) -> None:
    images = [str(path) for path in list_photographs([photos])] * 100
    command = [sys.executable, "-m", "mim_export.score", "--jsonl", "--jobs", str(jobs), *images]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        os.killpg(process.pid, signal.SIGINT)
        output, errors = process.communicate(timeout=60)  # returns when no process holds the pipes
    assert process.returncode == 130
    assert errors.decode().splitlines()[-1] == "stopped" and b"Traceback" not in errors
    rows = [json.loads(line) for line in (first + output).splitlines()]
    assert 1 <= len(rows) < len(images)


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names are UTF-8 there")
@pytest.mark.parametrize("encoding", ["utf-8:strict", "ascii", "cp1252"])
@pytest.mark.parametrize("form", ["text", "--json", "--jsonl"])
def test_no_name_costs_a_row(photos: Path, tmp_path: Path, encoding: str, form: str) -> None:
    content = (photos / "00.png").read_bytes()
    names = [b"caf\xe9.png", "صورة.png".encode(), b"a\nz.png: mpox-like.png", b"\x1b[31m[b]  [-b].png", b"z.png"]
    for name in names:
        (tmp_path / os.fsdecode(name)).write_bytes(content)
    options = [] if form == "text" else [form]
    done = _module(tmp_path, *options, env={**os.environ, "PYTHONIOENCODING": encoding})
    assert done.returncode == 0 and done.stderr == b""
    assert b"\x1b" not in done.stdout
    text = done.stdout.decode(encoding.partition(":")[0])
    if form == "text":
        assert len(text.splitlines()) == len(names)
        assert sum(line.startswith(f"{tmp_path}/z.png: ") for line in text.splitlines()) == 1
        return
    rows = json.loads(text) if form == "--json" else [json.loads(line) for line in text.splitlines()]
    assert {row["image"] for row in rows} == {str(tmp_path / os.fsdecode(name)) for name in names}


def test_wrong_words_are_one_line(photos: Path) -> None:
    for words, expected in ((["", photos], "an empty name"), ([photos, "--json", "--jsonl"], "exclude each other")):
        done = _module(*words)
        assert done.returncode == 2 and done.stdout == b""
        assert len(done.stderr.splitlines()) == 1 and expected in done.stderr.decode()
    with pytest.raises(MimError, match="an empty name"):
        list_photographs([""])


def test_a_closed_pipe_ends_quietly(photos: Path) -> None:
    command = f"{sys.executable} -m mim_export.score --jobs 1 {photos} | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=False)
    assert done.returncode in (141, 2) and b"Error" not in done.stderr and b"Traceback" not in done.stderr


@pytest.mark.slow
def test_scoring_in_processes_needs_no_tensorflow(photos: Path) -> None:
    """In this process and in the others, as in an installation without extras."""
    program = f"""
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("tensorflow", "keras", "sklearn", "scipy", "matplotlib", "pydantic"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Blocked())
if __name__ == "__main__":
    from mim_export.score.output import print_scores
    from mim_export.score.batch import list_photographs
    from mim_export import Scorer
    print_scores(Scorer(), list_photographs([{str(photos)!r}]), "jsonl", 2)
"""
    path = photos.parent / "embedded.py"
    path.write_text(program)
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) == 22


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_bar_is_shown_on_terminals_alone() -> None:
    for stream, shown in ((_Terminal(), True), (io.StringIO(), False), (None, False)):
        bar = _Bar(40, stream)
        for _ in range(40):
            bar.advance()
            bar.clear()
        text = "" if stream is None else stream.getvalue()
        assert ("1/40" in text) == shown
        assert not shown or text.endswith("\r")
