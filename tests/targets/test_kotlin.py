"""The scorer in Kotlin and its Android parts; `export/test_all.sh` builds them and runs their own tests."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

KOTLIN = Path(__file__).parents[2] / "export" / "kotlin"
RESOURCES = KOTLIN / "sample" / "src" / "main" / "res"
CODE = KOTLIN / "sample" / "src" / "main" / "kotlin"
ANDROID = "{http://schemas.android.com/apk/res/android}"


def _imports(folder: str) -> set[str]:
    sources = list((KOTLIN / folder / "src" / "main").rglob("*.kt"))
    assert sources
    return {line for path in sources for line in path.read_text().splitlines() if line.startswith("import ")}


def test_kotlin_core_needs_no_android() -> None:
    """The sources import only Java's library and `org.json`, which Android has, so an app compiles the same code."""
    imports = _imports("scorer")
    assert all(re.match(r"import (java|kotlin|org\.json)\.", line) for line in imports), imports


def test_kotlin_versions_agree() -> None:
    """The Maven and the Gradle build, the packages and the fresh project have the same versions."""
    parent = (KOTLIN / "pom.xml").read_text()
    kotlin = re.search(r"<kotlin.version>(.*)</kotlin.version>", parent)
    version = re.search(r"<artifactId>mim-parent</artifactId>\s*<version>(.*)</version>", parent)
    assert kotlin is not None and version is not None
    gradle = (KOTLIN / "build.gradle.kts").read_text()
    assert gradle.count(f'version "{kotlin[1]}" apply false') == 2
    assert f'version = "{version[1]}"' in gradle
    fresh = (KOTLIN / "fresh" / "pom.xml").read_text()
    assert kotlin[0] in fresh and f"<version>{version[1]}</version>" in fresh
    assert f"\nversion={version[1]}\n" in (KOTLIN / "pack.sh").read_text()
    assert f"io.github.mimtf:mim-android:{version[1]}" in (KOTLIN / "README.md").read_text()


def _names() -> set[str]:
    """The names of the sample's resources, such as `string/shoot`."""
    names = {f"{path.parent.name.split('-')[0]}/{path.stem}" for path in RESOURCES.rglob("*.xml")}
    names = {name for name in names if not name.startswith("values/")}
    for path in RESOURCES.rglob("values*/*.xml"):
        names |= {f"{entry.tag}/{entry.attrib['name']}" for entry in ElementTree.parse(path).getroot()}
    for path in RESOURCES.rglob("layout/*.xml"):
        ids = [entry.attrib.get(f"{ANDROID}id") for entry in ElementTree.parse(path).iter()]
        names |= {name.removeprefix("@+") for name in ids if name}
    return names


def test_resources_of_the_sample_exist() -> None:
    """Each reference of code, resources and manifest has a resource, and the stand-in has the names of the code."""
    code = "".join(path.read_text() for path in CODE.rglob("*.kt"))
    used = {"/".join(found) for found in re.findall(r"\bR\.(\w+)\.(\w+)", code)}
    files = [*RESOURCES.rglob("*.xml"), RESOURCES.parent / "AndroidManifest.xml"]
    references = {name for path in files for name in re.findall(r'"@(\w+/[\w.]+)"', path.read_text())}
    assert used and references
    assert used | references <= _names()
    standin = (KOTLIN / "standins" / "src" / "main" / "kotlin" / "SampleResources.kt").read_text()
    objects = re.findall(r"    object (\w+) \{\n(.*?)    \}", standin, re.DOTALL)
    assert {f"{kind}/{name}" for kind, body in objects for name in re.findall(r"val (\w+)", body)} == used


def test_sample_has_a_text_for_each_reason_and_no_network() -> None:
    """The texts are in the sample's strings, and the manifest asks for the camera alone."""
    strings = {name.removeprefix("string/") for name in _names() if name.startswith("string/")}
    reasons = re.findall(r'^    \w+\("([a-z ]+)"\),$', _decide().split("enum class Reason")[1], re.MULTILINE)
    assert len(reasons) == 6 and {reason.replace(" ", "_") for reason in reasons} <= strings
    verdicts = re.findall(r'^    \w+\("([a-z-]+)"\),$', _decide().split("enum class Reason")[0], re.MULTILINE)
    assert len(verdicts) == 4 and {f"title_{verdict.replace('-', '_')}" for verdict in verdicts} <= strings
    manifest = ElementTree.parse(RESOURCES.parent / "AndroidManifest.xml").getroot()
    permissions = [entry.attrib[f"{ANDROID}name"] for entry in manifest.iter("uses-permission")]
    assert permissions == ["android.permission.CAMERA"]


def test_sample_gives_the_advice_of_the_guide_with_every_verdict() -> None:
    """The layout has the text of docs/app.md without a condition."""
    strings = {
        entry.attrib["name"]: entry.text for entry in ElementTree.parse(RESOURCES / "values" / "strings.xml").getroot()
    }
    guide = " ".join((KOTLIN.parents[1] / "docs" / "app.md").read_text(encoding="utf-8").split())
    assert strings["advice"] is not None and f'"{strings["advice"]}"' in guide
    assert 'android:text="@string/advice"' in (RESOURCES / "layout" / "main.xml").read_text()
    assert "R.string.advice" not in "".join(path.read_text() for path in CODE.rglob("*.kt"))


def test_camera_saves_whole_photographs() -> None:
    """CameraX crops photographs to the preview where it fills its view, which is the default."""
    layout = ElementTree.parse(RESOURCES / "layout" / "main.xml").getroot()
    previews = list(layout.iter("androidx.camera.view.PreviewView"))
    scale = "{http://schemas.android.com/apk/res-auto}scaleType"
    assert [preview.attrib[scale] for preview in previews] == ["fitCenter"]


def _decide() -> str:
    return (KOTLIN / "scorer" / "src" / "main" / "kotlin" / "io" / "github" / "mimtf" / "Decide.kt").read_text()


@pytest.mark.parametrize("theme", ["values", "values-night"])
def test_sample_has_a_light_and_a_dark_theme(theme: str) -> None:
    """Both define the theme that the manifest names."""
    styles = ElementTree.parse(RESOURCES / theme / "themes.xml").getroot()
    assert [style.attrib["name"] for style in styles] == ["Theme.Sample"]
