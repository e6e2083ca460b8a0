"""`mim_tf.cli.tables`: names are printed literally, in every encoding."""

from __future__ import annotations

import io
import json
import sys
from typing import Any

import pytest
from rich.console import Console
from rich.progress import Progress

from mim_tf.cli import tables
from mim_tf.cli.demo import _table
from mim_tf.cli.progress import training_bars

ODD = ["[bold]mpox[/bold]", "[/b]", ":smile:", "a\nb", "\x1b[31mred", "caf\udce9", "漢", "$x_{1$", "_hidden"]
SAFE = [r"a\nb", r"\x1b[31mred", r"caf\xe9"]


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Replaces stdout and stderr by strict streams of an encoding; returns what they received."""

    def replace(encoding: str) -> tuple[io.BytesIO, io.BytesIO]:
        received = io.BytesIO(), io.BytesIO()
        for name, content in zip(("stdout", "stderr"), received, strict=True):
            stream = io.TextIOWrapper(content, encoding=encoding, errors="strict", write_through=True, newline="")
            monkeypatch.setattr(sys, name, stream)
        return received

    return replace


def metrics() -> dict[str, Any]:
    area = {"auroc": 0.5, "ci_low": 0.4, "ci_high": 0.6}
    entry = {**area, "by_group": area, "images": 2, "groups": 2}
    result = {"normal_class": ODD[0], "split": "test", "measure": "ssim", "ssim": None, "mean_auroc": None}
    share = {"value": 0.5, "ci_low": 0.4, "ci_high": 0.6}
    whole = {"count": 1, "ci_low": 0.4, "ci_high": 0.6}
    sensitivity = {**share, "by_group": share, "groups_without_miss": whole, "groups": 2}
    measures = dict.fromkeys(("psnr", "ssim", "perceptual_distance", "sharpness"), share)
    against = {**dict.fromkeys(("psnr", "ssim"), share), "perceptual_distance_ratio": None}
    quality = {"rows": {"model": measures, "push_pull": measures}, "against_biharmonic": against}
    inpainting = {"size": 32, "masks": 4, "classes": {ODD[0]: quality}, "mask_sets": {"2 px, 4 masks": quality}}
    names = [f"{ODD[0]}-like", f"not-{ODD[0]}-like", "undecided", "cannot-judge"]
    judged = {"images": 2, "groups": 2, "shares": dict.fromkeys(names, share)}
    verdicts = {"names": names, "classes": dict.fromkeys(ODD, judged), "other_skin": judged, "by": {}}
    shares = {"excluded": {**share, "by_group": share, "groups": 2}, "sensitivity": sensitivity, "verdicts": verdicts}
    return {**result, "classes": dict.fromkeys(ODD, entry), **shares, "inpainting": inpainting}


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp1252"])
def test_a_table_shows_every_name_as_it_is(streams: Any, encoding: str) -> None:
    content, _ = streams(encoding)
    tables.show_metrics(metrics(), False)
    text = content.getvalue().decode(encoding)
    assert "\x1b" not in text
    for name in (*SAFE, "[bold]mpox[/bold]", "[/b]", ":smile:", "$x_{1$", "_hidden"):
        assert sum(name in line for line in text.splitlines()) >= 1, name


def test_the_verdicts_on_the_class_have_a_line_each(streams: Any) -> None:
    content, _ = streams("utf-8")
    shown = metrics() | {"normal_class": "mpox", "inpainting": None}
    share = {"value": 0.25, "ci_low": None, "ci_high": None}
    by_group = {"value": 0.3125, "ci_low": 0.125, "ci_high": 0.5}
    shown["excluded"] = {**share, "by_group": by_group, "groups": 2}
    tables.show_metrics(shown, False)
    lines = content.getvalue().decode().splitlines()
    whole = "0.500 [0.400, 0.600] by photograph, 0.500 [0.400, 0.600] with each group counted once"
    assert f"mpox called mpox-like (sensitivity): {whole}; 1 of 2 groups without a miss [0.400, 0.600]" in lines
    alone = "0.250 (one group: no interval) by photograph"
    assert f"mpox called not-mpox-like: {alone}, 0.312 [0.125, 0.500] with each group counted once" in lines


def test_a_table_of_verdicts_fits_a_terminal(streams: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    content, _ = streams("utf-8")
    names = ["mpox-like", "not-mpox-like", "undecided", "cannot-judge"]
    all_of_it = {"value": 1.0, "ci_low": 0.82, "ci_high": 1.0}
    entry = {"images": 1234, "groups": 1030, "shares": dict.fromkeys(names, all_of_it)}
    by_value = {"values": {"1": {**entry, "auroc": {"value": 0.9}}}, "spread": 0.25}
    classes = {"chickenpox_measles": entry}
    tables._show_verdicts(
        {"names": names, "classes": classes, "other_skin": entry, "by": {"skin_type": by_value}}, "test"
    )
    text = content.getvalue().decode()
    assert max(map(len, text.splitlines())) <= 80 and "…" not in text
    assert text.count("100        100        100        100") == 3
    assert "chickenpox_measles" in text and "1234 (1030)" in text and "is 0.25" in text


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp1252"])
def test_json_is_whole_in_every_encoding(streams: Any, encoding: str) -> None:
    content, _ = streams(encoding)
    tables.show_metrics(metrics(), True)
    assert json.loads(content.getvalue().decode(encoding)) == metrics()


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_messages_are_one_line(streams: Any, encoding: str) -> None:
    content, errors = streams(encoding)
    for name in ODD:
        tables.warn(f"skipped {name}: no image")
        tables.show({}, False, f"{name}: open report.html")
    assert len(errors.getvalue().splitlines()) == len(content.getvalue().splitlines()) == len(ODD)
    assert b"\x1b" not in errors.getvalue() + content.getvalue()


def test_messages_beside_a_progress_bar_go_to_the_stream(streams: Any) -> None:
    """While a bar is shown, rich replaces stdout and stderr by proxies of its console."""
    content, errors = streams("ascii")
    console = Console(file=tables.err.file, force_terminal=True, width=80)
    with Progress(console=console):
        tables.warn("é of stderr")
        tables.show({}, False, "é of stdout")
    assert rb"\xe9 of stderr" in errors.getvalue() and rb"\xe9 of stdout" in content.getvalue()


def test_bars_do_not_interpret_brackets() -> None:
    stream = io.StringIO()
    with training_bars(Console(file=stream, force_terminal=True, width=100, color_system=None)) as update:
        update("[/b] [bold]x", 1, 2, {"[/i]": 0.5})
    assert "[/b] [bold]x" in stream.getvalue() and "[/i] 0.500" in stream.getvalue()


def test_nothing_is_printed_without_a_console(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    tables.warn("x")


def test_the_page_of_the_demo_escapes_names() -> None:
    text = _table(["a  b"], [["<script>"], ["a\nb"], ["caf\udce9"]])
    assert "<th>a  b</th>" in text and "&lt;script&gt;" in text and r"a\nb" in text and r"caf\xe9" in text
    text.encode("utf-8")
