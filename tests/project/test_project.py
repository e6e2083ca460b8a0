"""The project as a whole: layout, wheel, licences, module sizes, what importing pulls in."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {"mim_tf": "mim_tf", "export": "mim_export"}


def tracked() -> list[str]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    return [name for name in listing.stdout.decode().split("\0") if name and (ROOT / name).exists()]


def test_wheel_holds_what_git_holds(tmp_path: Path) -> None:
    """Built from a copy of the tracked files, so that no stale build/ can slip in."""
    files = tracked()
    source = tmp_path / "source"
    for name in files:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, source / name)
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path), str(source)]
    done = subprocess.run(build, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = wheel.namelist()
        metadata = wheel.read(next(n for n in names if n.endswith("/METADATA"))).decode()
    inside = {name for name in names if ".dist-info/" not in name}
    expected = {
        PACKAGES[name.split("/")[0]] + name[len(name.split("/")[0]) :]
        for name in files
        if name.split("/")[0] in PACKAGES
    }
    assert inside == expected
    licences = sorted(name.split("/licenses/")[1] for name in names if "/licenses/" in name)
    assert licences == [
        "LICENSE",
        "export/LICENSE.EfficientNet-Lite0",
        "export/released/LICENSE",
        "export/released_micro/LICENSE",
    ]
    assert "License-Expression: Apache-2.0 AND LicenseRef-mim-tf-weights-research-only" in metadata


def test_modules_are_short() -> None:
    long = {
        name: count
        for name in tracked()
        if name.endswith((".py", ".c", ".h", ".kt", ".swift", ".ts"))
        and (count := len((ROOT / name).read_text(encoding="utf-8").splitlines())) > 250
        and not name.startswith(("tests/", "colab/"))
    }
    assert not long


def test_layout_is_the_agreed_one() -> None:
    top = {name.split("/")[0] for name in tracked()}
    assert {
        "README.md",
        "setup.cfg",
        "pyproject.toml",
        "mim_tf",
        "export",
        "tests",
        "LICENSE",
        "CITATION.cff",
    } <= top
    modules = {name for name in tracked() if name.startswith("mim_tf/") and name.count("/") == 1}
    wanted = ["data", "sample", "mask", "measure", "calibrate", "detector", "evaluate", "report", "cli"]
    assert {f"mim_tf/{name}.py" for name in wanted} <= modules


@pytest.mark.parametrize(
    "module",
    [
        "mim_tf",
        "mim_export",
        "mim_tf.cli.app",
        "mim_tf.data.folder",
        "mim_export.score.scorer",
        "mim_export.bench.bench",
    ],
)
def test_importing_is_light(module: str) -> None:
    program = f"import sys, {module}; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT.parent).returncode == 0


def test_dependencies_stand_in_the_readme_with_a_reason() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for line in config["options"]["install_requires"].split():
        name = re.split("[>=]", line)[0]
        assert f"| {name} |" in readme, name
    for name in ("tflite-runtime", "tensorflow-addons"):
        assert f"| {name} |" in readme


def test_readme_states_both_licences_and_the_limits_early() -> None:
    first_screen = "\n".join((ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:40])
    assert "Apache" in first_screen and "research only" in first_screen and "not a diagnosis" in first_screen
