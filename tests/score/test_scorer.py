"""`mim_export.score.scorer` with a model that computes no number, as a damaged one does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mim_export.score.batch import score_paths
from mim_export.score.decide import REASONS, VERDICTS
from mim_export.score.errors import MimError
from mim_export.score.scorer import Scorer


class _Runtime:
    """Stands for an interpreter; like the graph, it takes NaN for a very low similarity."""

    def __init__(self, content: bytes) -> None:
        self.similarity = np.nan

    def get_signature_runner(self, name: str) -> Any:
        outputs = {"similarity": self.similarity, "p_value": 0.05, "verdict": 1, "reason": 0, "ssim": 0.5}
        return lambda image: {key: np.array([value], np.float32) for key, value in outputs.items()}


def test_a_similarity_that_is_no_number_cannot_be_judged(tmp_path: Path) -> None:
    scorer = Scorer(make_interpreter=_Runtime)
    judgement = scorer.judge(np.zeros((2, scorer.size, scorer.size, 3), np.uint8))
    assert [VERDICTS[code] for code in judgement.verdict] == ["cannot-judge"] * 2
    assert [REASONS[code] for code in judgement.reason] == ["unreadable"] * 2
    assert np.isnan(judgement.p_value).all()
    path = tmp_path / "photo.png"
    Image.new("RGB", (300, 300)).save(path)
    with pytest.raises(MimError, match=r"photo\.png: the model computed no finite similarity; check the bundle"):
        scorer.score(path)
    rows, failed = score_paths(scorer, [path])
    assert rows[0]["verdict"] == "cannot-judge" and rows[0]["similarity"] is None and len(failed) == 1
