"""`colab/train_mim.ipynb`, without running it: pairing, URLs, length of cells, names, excerpts, committed outputs."""

from __future__ import annotations

import ast
import configparser
import importlib
import re
from pathlib import Path

import jupytext
import nbformat
import pytest

from mim_tf.tutorial import notebook as tutorial

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "colab" / "train_mim.py"
NOTEBOOK = ROOT / "colab" / "train_mim.ipynb"


@pytest.fixture(scope="module")
def notebook() -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOK, as_version=4)


@pytest.fixture(scope="module")
def code(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def url() -> str:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    return config["metadata"]["url"]


def pictures(cell: nbformat.NotebookNode) -> int:
    return sum(any(kind.startswith("image/") for kind in output.get("data", {})) for output in cell.outputs)


def test_script_and_notebook_are_the_same(notebook: nbformat.NotebookNode) -> None:
    text = SOURCE.read_text(encoding="utf-8")
    paired = jupytext.reads(text, "py:percent")
    assert [(cell.cell_type, cell.source) for cell in paired.cells] == [
        (cell.cell_type, cell.source) for cell in notebook.cells
    ]
    assert jupytext.writes(notebook, "py:percent") == text
    assert notebook.metadata.kernelspec.name == "python3"


def test_no_cell_is_long(notebook: nbformat.NotebookNode) -> None:
    assert max(len(cell.source.splitlines()) for cell in notebook.cells) <= 25


def test_all_addresses_are_those_of_setup_cfg(notebook: nbformat.NotebookNode) -> None:
    text = "\n".join(cell.source for cell in notebook.cells)
    place = url().removeprefix("https://github.com/")
    badge = f"https://colab.research.google.com/github/{place}/blob/main/colab/train_mim.ipynb"
    assert badge in notebook.cells[0].source and f'ADDRESS = "{url()}"' in text
    linked = re.findall(r"github\.com/([\w.-]+/[\w.-]+)", text)
    assert len(linked) > 5 and set(linked) == {place}
    for kind, path in re.findall(rf"{url()}/(blob|tree)/main/([\w./-]+)", text):
        assert (ROOT / path).is_file() if kind == "blob" else (ROOT / path).is_dir(), path


@pytest.mark.parametrize("page", ["docs/how_mim_works.md", "docs/glossary.md", "docs/faq.md", "colab/README.md"])
def test_pages_for_students_link_to_what_is_there(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for link in re.findall(r"\]\((?!http)([^)]+)\)", text):
        assert (ROOT / page).parent.joinpath(link).exists(), link


def test_readme_sends_students_there() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    place = url().removeprefix("https://github.com/")
    assert f"https://colab.research.google.com/github/{place}/blob/main/colab/train_mim.ipynb" in readme
    for page in ("colab/train_mim.ipynb", "docs/how_mim_works.md", "docs/glossary.md", "docs/faq.md"):
        assert f"]({page})" in readme


def test_what_is_taken_from_the_library_is_there(code: list[nbformat.NotebookNode]) -> None:
    modules, found = {}, 0
    tree = ast.parse("\n".join(cell.source for cell in code))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ("mim_tf", "mim_export"):
            for alias in node.names:
                module = importlib.import_module(str(node.module))
                if not hasattr(module, alias.name):
                    modules[alias.name] = importlib.import_module(f"{node.module}.{alias.name}")
                elif type(getattr(module, alias.name)).__name__ == "module":
                    modules[alias.name] = getattr(module, alias.name)
                found += 1
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            assert hasattr(modules[node.value.id], node.attr), f"{node.value.id}.{node.attr}"
    assert found > 30 and {"dataset", "colab"} <= set(modules)


def test_excerpts_are_those_of_the_library(code: list[nbformat.NotebookNode], monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(tutorial, "display", lambda thing: shown.append(thing.data))
    names: dict[str, object] = {"show_source": tutorial.show_source}
    committed = []
    for cell in code:
        nodes = ast.parse(cell.source).body if not cell.source.startswith("%") else []
        for node in nodes:
            line = ast.unparse(node)
            if line.startswith(("from mim_tf", "show_source(")):
                exec(line, names)
        committed += [output.get("data", {}).get("text/markdown", "") for output in cell.outputs]
    assert len(shown) > 10 and shown == [text for text in committed if text.startswith("```python")]


def test_each_part_begins_with_a_question_and_ends_with_a_picture(notebook: nbformat.NotebookNode) -> None:
    parts: dict[str, list[nbformat.NotebookNode]] = {}
    for cell in notebook.cells:
        heading = (
            re.search(r"^## (\d+ · .*|Glossary)$", cell.source, re.MULTILINE) if cell.cell_type != "code" else None
        )
        if heading:
            part = heading[1]
            parts[part] = []
        elif parts and cell.cell_type == "code":
            parts[part].append(cell)
    numbered = [part for part in parts if part != "Glossary"]
    assert [int(part.split()[0]) for part in numbered] == list(range(1, 14))
    assert all(part.endswith("?") for part in numbered[:-1]) and numbered[-1] == "13 · Exercises"
    for part in numbered:
        assert pictures(parts[part][-1]), part


def test_outputs_are_those_of_a_whole_run(code: list[nbformat.NotebookNode]) -> None:
    assert NOTEBOOK.stat().st_size <= 3_000_000
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not [output for cell in code for output in cell.outputs if output.output_type == "error"]
    assert not [output for cell in code for output in cell.outputs if output.get("name") == "stderr"]
    for cell in code:
        assert pictures(cell) >= cell.source.count("lesson.show("), cell.source
    text = "".join(output.get("text", "") for cell in code for output in cell.outputs)
    assert "mim-work/full" in text and "mim-work/fast" not in text
    assert not re.search(r"(?<![\w.])/(home|root|tmp|work|Users)/", text)


def test_the_stated_minutes_are_those_that_were_needed(code: list[nbformat.NotebookNode]) -> None:
    """Within a factor of two and a quarter of a minute. The total is at most the stated half hour."""
    text = code[-1].outputs[0].text
    rows = re.findall(r"^(\d+ .*?) +(\d+) pictures +([\d.]+) minutes \(stated: ([\d.]+)\)$", text, re.MULTILINE)
    assert len(rows) == 13
    for part, _, needed, stated in rows:
        assert float(needed) <= 2 * float(stated) + 0.25 and float(stated) <= 2 * float(needed) + 0.25, part
    assert sum(float(needed) for _, _, needed, _ in rows) <= 30


def test_every_exercise_has_a_solution_that_is_folded_and_was_run(code: list[nbformat.NotebookNode]) -> None:
    solutions = [cell for cell in code if "solution" in cell.metadata.get("tags", [])]
    assert len(solutions) == sum(cell.source == "# Your turn." for cell in code) >= 3
    for number, cell in enumerate(solutions, 1):
        assert cell.source.startswith(f"# @title Solution {number}\n") and pictures(cell)
        assert cell.metadata["cellView"] == "form" and cell.metadata["jupyter"]["source_hidden"]
