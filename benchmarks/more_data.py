"""What more data would give: more patients with mpox, and photographs of other diseases as known negatives.

    python benchmarks/more_data.py --data DIR --other OTHER --out RUNS

The GAN is that of the released bundle, which has seen all groups of `train`; heads are fitted on mpox of `train`, and
mean AUROCs are those of `val`, over the skin classes of DIR ("own source") and over the conditions of OTHER ("other
source"; without hand, foot and mouth disease, which is not of that source). `test` is not read.

1. The head is fitted on random subsets of the groups. Printed are the mean and the range of ten draws.
2. The head is fitted with known negatives of one source, and the AUROCs are those of conditions that it has not seen:
   50 photographs of a random half of the conditions of OTHER, ten draws; and all photographs of the other classes of
   DIR, for each class in turn. A gain that appears at the source of the negatives alone is knowledge of the source.

Views are stored in RUNS. It takes 25 minutes on two cores, ten if the views are there.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from numpy.typing import NDArray

from mim_tf.data.folder import load_photos, scan_folder, to_stderr
from mim_tf.data.splits import NOT_SKIN, class_names, select
from mim_tf.detector import load_detector
from mim_tf.detectors.mim_deep import DeepInpaintingModel
from mim_tf.evaluation.metrics import auroc
from mim_tf.measures.head import Head, HeadSample, fit_head
from mim_tf.training.config import Training

COUNTS, DRAWS, KNOWN = (5, 10, 15, 20, 25), 10, 50
FURTHER_SOURCE = "hand_foot_mouth"

Vectors = dict[str, NDArray[np.float64]]


def vectors_of(model: DeepInpaintingModel, folder: Path) -> Vectors:
    """Vectors of the photographs of `val`, by class."""
    photos = scan_folder(folder)
    names = [name for name in class_names(photos, "val") if name not in {*NOT_SKIN, FURTHER_SOURCE}]
    loaded = {name: load_photos(select(photos, "val", name), model.size, warn=to_stderr, what=name) for name in names}
    return {name: model.vectors(part.pixels)[0] for name, part in loaded.items()}


def mean_auroc(head: Head, mpox: NDArray[np.float64], others: Vectors, names: Sequence[str]) -> float:
    """Mean AUROC over classes."""
    own = head.score(mpox)
    return float(np.mean([auroc(own, head.score(others[name])) for name in names]))


def cell(values: Sequence[float]) -> str:
    """Mean and range."""
    spread = f" [{min(values):.2f}, {max(values):.2f}]" if len(values) > 1 else ""
    return f"{np.mean(values):.2f}{spread}"


def more_patients(sample: HeadSample, mpox: NDArray[np.float64], sources: Sequence[Vectors]) -> None:
    """Prints the AUROCs by the number of groups."""
    groups = np.unique(sample.groups)
    rng = np.random.default_rng(0)
    print("| groups of mpox | photographs | own source | other source |\n|---|---|---|---|")
    for count in (*COUNTS, len(groups)):
        sizes, means = [], []
        for _ in range(DRAWS if count < len(groups) else 1):
            chosen = np.isin(sample.groups, rng.choice(groups, count, replace=False))
            head = fit_head(sample.subset(chosen))
            sizes.append(chosen.sum())
            means.append([mean_auroc(head, mpox, source, list(source)) for source in sources])
        own, other = np.transpose(means)
        print(f"| {count} | {np.mean(sizes):.0f} | {cell(own)} | {cell(other)} |", flush=True)


def known_negatives(sample: HeadSample, mpox: NDArray[np.float64], own: Vectors, other: Vectors) -> None:
    """Prints the AUROCs over conditions that were not known, with known negatives of either source and without."""
    rng = np.random.default_rng(0)
    plain = fit_head(sample)
    atlas: list[list[float]] = []
    for _ in range(DRAWS):
        names = rng.permutation(list(other))
        seen, unseen = names[: len(names) // 2], names[len(names) // 2 :]
        known = rng.permutation(np.concatenate([other[name] for name in seen]))[:KNOWN]
        head = fit_head(sample, known)
        places = ((own, list(own)), (other, list(unseen)))
        atlas.append([mean_auroc(one, mpox, *place) for place in places for one in (plain, head)])
    home: list[list[float]] = []
    for unseen_class in own:
        head = fit_head(sample, np.concatenate([part for name, part in own.items() if name != unseen_class]))
        places = ((own, [unseen_class]), (other, list(other)))
        home.append([mean_auroc(one, mpox, *place) for place in places for one in (plain, head)])
    print("| known negatives | own source, without | with | other source, without | with |\n|---|---|---|---|---|")
    for title, rows in ((f"{KNOWN} of the other source", atlas), ("the other classes of the own source", home)):
        print(f"| {title} | " + " | ".join(cell(column) for column in np.transpose(rows)) + " |", flush=True)


def main() -> None:
    """Computes the vectors and prints both tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--other", type=Path, required=True, help="a data folder of further conditions, without mpox")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    model = load_detector("released").model
    assert isinstance(model, DeepInpaintingModel)
    photos = select(scan_folder(options.data), "train", "mpox")
    train = load_photos(photos, model.source_size, warn=to_stderr, what="train/mpox")
    sample, _ = model._head_sample(train.pixels, train.groups, options.out / "fit", Training(), lambda *_: None, None)
    own, other = (vectors_of(model, folder) for folder in (options.data, options.other))
    mpox = own.pop("mpox")
    more_patients(sample, mpox, (own, other))
    known_negatives(sample, mpox, own, other)


if __name__ == "__main__":
    main()
