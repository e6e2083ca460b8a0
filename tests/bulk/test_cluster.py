"""`mim_export.bulk.cluster`: the version of the sources; see `test_on_ray.py` for connections."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mim_export.bulk.cluster import code_digest, signature


def test_the_digest_is_that_of_the_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digests = [code_digest()]
    assert signature().endswith(f" ({digests[0][:12]})")
    for name in ("mim_tf", "mim_export"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    digests.append(code_digest())
    (tmp_path / "mim_export" / "a.py").write_text("pass\n")
    digests.append(code_digest())
    (tmp_path / "mim_export" / "a.py").rename(tmp_path / "mim_tf" / "a.py")
    digests.append(code_digest())
    assert len(set(digests)) == 4
