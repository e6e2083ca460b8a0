"""`mim_tf.models.backend`: another backend of Keras is named before Keras is imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mim_export.score.errors import MimError
from mim_tf.models.backend import check_backend

LINE = "mim-tf trains with the TensorFlow backend of Keras, not with {}; unset KERAS_BACKEND or set it to tensorflow"


def test_the_variable_comes_before_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    check_backend()
    (tmp_path / "keras.json").write_text(json.dumps({"backend": "torch"}))
    with pytest.raises(MimError) as named:
        check_backend()
    assert str(named.value) == LINE.format("torch")
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    check_backend()
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    with pytest.raises(MimError) as named:
        check_backend()
    assert str(named.value) == LINE.format("jax")
    monkeypatch.delenv("KERAS_BACKEND")
    for content in ("{", "[]", "{}"):
        (tmp_path / "keras.json").write_text(content)
        check_backend()


@pytest.mark.parametrize(
    "program",
    [
        "from mim_tf import MIM",
        "from mim_tf import load_detector",
        "from mim_tf.detectors.features import FeaturesModel",
        "from mim_tf.cli.extras import heavy_imports\nwith heavy_imports('training', 'tensorflow'): pass",
    ],
)
def test_nothing_heavy_is_imported_before(program: str) -> None:
    check = (
        f"import sys\ntry:\n    exec({program!r})\nexcept ValueError as error:\n    print(error)\n"
        "assert not {'keras', 'tensorflow', 'jax'} & set(sys.modules)"
    )
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    done = subprocess.run([sys.executable, "-c", check], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == LINE.format("jax")
