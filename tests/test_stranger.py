"""The released bundle, checked by a program that was written from export/README.md alone, in another language."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from mim_export.runtime import RELEASED

STRANGER = Path(__file__).with_name("stranger.pl")
PERL = shutil.which("perl")


def _perl_runs() -> bool:
    """Whether there is a perl with its core modules: some systems install less of them."""
    modules = ["-MCompress::Zlib", "-MJSON::PP", "-MList::Util=sum0"]
    return (
        PERL is not None and subprocess.run([PERL, *modules, "-e1"], capture_output=True, check=False).returncode == 0
    )


@pytest.mark.skipif(not _perl_runs(), reason="perl with its core modules is not installed")
def test_an_independent_implementation_of_the_page_agrees_with_the_released_bundle() -> None:
    golden = json.loads((Path(RELEASED) / "golden" / "golden.json").read_text(encoding="utf-8"))
    assert golden["images"]

    run = subprocess.run(
        [str(PERL), str(STRANGER), str(RELEASED)], capture_output=True, text=True, timeout=300, check=False
    )

    assert run.returncode == 0, run.stdout + run.stderr
    assert not run.stderr
    for number, image in enumerate(golden["images"]):
        result = image["verdict"] + (f", {image['reason']}" if image["reason"] else "")
        line = rf"^ok {number + 1} - {number:02d} {re.escape(image['name'])}: {re.escape(result)}$"
        assert len(re.findall(line, run.stdout, re.MULTILINE)) == 1, (line, run.stdout)
    pngs = [case["file"] for case in golden["decoded"] if case["file"].endswith(".png")]
    assert re.findall(r"^ok \d+ - decoded (\S+): equal$", run.stdout, re.MULTILINE) == pngs
