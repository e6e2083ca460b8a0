"""The project as a whole: layout, import contracts, wheel, licences, imported packages."""

from __future__ import annotations

import ast
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
    """Built from a copy of the tracked files, so that the wheel contains nothing from a stale build/.

    Without the web app, which is built in a checkout: of export/web, bundles contain the scorer alone.
    """
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
        if name.split("/")[0] in PACKAGES and not re.match("export/web/(?!scorer/)", name)
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


def test_layout_is_the_agreed_one() -> None:
    top = {name.split("/")[0] for name in tracked()}
    assert {"README.md", "CONTRIBUTING.md", "setup.cfg", "mim_tf", "export", "tests", "colab", "docs"} <= top


def test_packages_import_only_from_layers_below() -> None:
    """The contracts of `[importlinter]` in setup.cfg hold, without ignored imports."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    assert not config.has_option("importlinter:contract:layers", "ignore_imports")
    executable = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([str(executable)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_errors_of_the_library_name_no_option_of_the_command_line() -> None:
    """They are raised in Python, too. Options are named by the commands alone."""
    found = []
    for path in sorted((ROOT / "mim_tf").rglob("*.py")):
        tree = ast.parse(path.read_text())
        for node in list(ast.walk(tree)):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
                node.body.pop(0)
        texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
        if any(isinstance(text, str) and re.search(r"(^|[ (])--[a-z]", text) for text in texts):
            found.append(path.relative_to(ROOT))
    assert [path for path in found if path.parts[1] != "cli"] == []


def test_tests_mirror_the_packages() -> None:
    packages = {name.split("/")[1] for name in tracked() if re.match(r"(mim_tf|export)/\w+/\w+\.py", name)}
    tested = {name.split("/")[1] for name in tracked() if re.match(r"tests/\w+/test_\w+\.py", name)}
    assert packages <= tested


HEAVY = ("tensorflow", "keras", "matplotlib", "sklearn", "scipy", "skimage", "pyarrow", "ray")


@pytest.mark.parametrize(
    ("program", "absent"),
    [
        ("import mim_tf, mim_export", (*HEAVY, "numpy", "PIL")),
        ("from mim_export import Scorer", HEAVY),
        ("import mim_export.score.batch, mim_export.check.verify", HEAVY),
        ("import mim_tf.cli.app, mim_tf.data.folder", HEAVY),
    ],
)
def test_importing_is_light(program: str, absent: tuple[str, ...]) -> None:
    """Scoring imports no training packages. That training imports no plotting is an import contract."""
    check = f"{program}; import sys; found = {set(absent)!r} & set(sys.modules); sys.exit(str(found) if found else 0)"
    done = subprocess.run([sys.executable, "-c", check], cwd=ROOT.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-500:]


def test_dependencies_have_a_reason() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    reasons = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    needed = config["options"]["install_requires"] + config["options.extras_require"]["train"]
    names = {re.split("[>=]", line)[0] for line in needed.splitlines() if line and not line.startswith("#")}
    for name in (*sorted(names), "tflite-runtime", "tensorflow-addons"):
        assert f"| {name} |" in reasons, name


def test_readme_is_for_two_minutes() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 110


def test_readme_states_both_licences_and_the_limits_early() -> None:
    first_screen = "\n".join((ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:40])
    assert "Apache" in first_screen and "research only" in first_screen and "not a diagnosis" in first_screen


@pytest.mark.parametrize("readme", ["kotlin", "web/scorer", "swift", "c"])
def test_code_for_app_developers_is_in_the_readme_of_its_package(readme: str) -> None:
    """There it is compiled by the tests of the package."""
    page = (ROOT / "docs" / "app.md").read_text(encoding="utf-8")
    link = f"blob/main/export/{readme}/README.md)):\n\n"
    assert page.count(link) == 1
    _, code = page.split(link)[1].split("```", 2)[:2]
    language, lines = code.split("\n", 1)
    assert language and len(lines.splitlines()) >= 15
    assert lines in (ROOT / "export" / readme / "README.md").read_text(encoding="utf-8")


def test_packages_have_one_version() -> None:
    """That of setup.cfg, without what marks a version under development."""
    patterns = {
        "setup.cfg": r"^version = (\d+\.\d+\.\d+)",
        "export/web/scorer/package.json": r'^  "version": "(.*)"',
        "export/web/app/package.json": r'"(?:version|@mim-tf/scorer)": "(.*)"',
        "export/kotlin/pom.xml": r"^  <version>(.*)</version>",
        "export/kotlin/scorer/pom.xml": r"^    <version>(.*)</version>",
        "export/kotlin/android/pom.xml": r"^    <version>(.*)</version>",
        "export/kotlin/sample/pom.xml": r"^    <version>(.*)</version>",
        "export/kotlin/standins/pom.xml": r"^    <version>(.*)</version>",
        "export/kotlin/fresh/pom.xml": r"<artifactId>mim-scorer</artifactId>\s*<version>(.*)</version>",
        "export/kotlin/build.gradle.kts": r'version = "(.*)"',
        "export/kotlin/pack.sh": r"^version=(.*)",
    }
    found = {name: re.findall(pattern, (ROOT / name).read_text(), re.M) for name, pattern in patterns.items()}
    assert len({version for versions in found.values() for version in versions}) == 1, found
    assert all(found.values())
