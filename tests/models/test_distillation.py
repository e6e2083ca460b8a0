"""`mim_tf.models.distillation`: images and targets of a student."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from skimage.measure import block_reduce

from mim_export.score.errors import MimError
from mim_export.score.fill import fill
from mim_export.score.preprocess import mask_set
from mim_tf.data.masks import training_masks
from mim_tf.detectors.mim import InpaintingModel
from mim_tf.models.distillation import teaching
from mim_tf.models.losses import LossWeights, hidden_psnr
from mim_tf.models.mim import MIM, MIMConfig, inpaint_hidden
from mim_tf.models.networks import generator
from mim_tf.synthetic import dataset

PIXELS = dataset.render("mpox", range(4), size=96)
IMAGES = tf.constant(PIXELS / np.float32(255))


def teacher() -> keras.Model:
    """A generator that adds 0.125 on its scale, 16 levels, to the fill."""
    network = generator(96, 4)
    convolution = network.get_layer("correction_conv")
    kernel, bias = convolution.get_weights()
    convolution.set_weights([0 * kernel, np.full_like(bias, 0.125)])
    return network


def test_student_sees_reduced_images_and_targets() -> None:
    mask = training_masks(tf.constant([0, 0], tf.int64), 4, 32, (4,), (2,))
    images, targets = teaching(teacher(), 3)(IMAGES, mask)
    np.testing.assert_allclose(images, block_reduce(IMAGES.numpy(), (1, 3, 3, 1), np.mean), atol=1e-6)
    fine = np.kron(mask.numpy(), np.ones((1, 3, 3, 1), np.float32))
    filled = np.stack([fill(image, one[None])[0] for image, one in zip(PIXELS, fine, strict=True)])
    expected = np.clip((filled + 16.0) / 255.0, 0, 1)
    np.testing.assert_allclose(targets, block_reduce(expected, (1, 3, 3, 1), np.mean), atol=1e-5)


def test_a_student_learns_what_its_teacher_adds() -> None:
    model = MIM(MIMConfig(size=32, width=4, cell=4, losses=LossWeights(ssim=0, matching=0, adversarial=0)))
    model.compile(keras.optimizers.Adam(0.01), keras.optimizers.SGD(0.0), teach=teaching(teacher(), 3))
    step = tf.function(model.train_step)
    for _ in range(60):
        step(IMAGES)
    mask = mask_set(32, 4, 2)[:1]
    small = block_reduce(IMAGES.numpy(), (1, 3, 3, 1), np.mean)
    added = inpaint_hidden(model.generator, small, mask).numpy() * 255
    added -= np.stack([fill(np.round(image * 255).astype(np.uint8), mask)[0] for image in small])
    assert np.abs(np.median(added) - 16) < 4


def test_loss_is_the_distance_from_the_teacher() -> None:
    model = MIM(MIMConfig(size=32, width=4, cell=4, losses=LossWeights(matching=0, adversarial=0)))

    def teach(images: tf.Tensor, mask: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return images[:, :32, :32], tf.fill([4, 32, 32, 3], 0.25)

    model.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0), teach=teach)
    found = model.train_step(IMAGES)["hidden"]
    config = model.config
    mask = training_masks(tf.constant([0, 0], tf.int64), 4, 32, config.train_cells, config.train_counts)
    output = inpaint_hidden(model.generator, IMAGES[:, :32, :32], mask, training=True)
    np.testing.assert_allclose(found, -hidden_psnr(tf.fill([4, 32, 32, 3], 0.25), output, 1.0 - mask), rtol=1e-4)


def test_a_student_trains_on_images_of_the_side_of_its_teacher() -> None:
    student = InpaintingModel(32, width=4, teacher="released")
    assert student.view_size == 96 and student.source_size == 256 and student.options["teacher"] == "released"
    assert InpaintingModel(32, width=4).source_size == 85


@pytest.mark.parametrize(
    ("size", "options", "message"),
    [
        (64, {"teacher": "released"}, "a size of 64 px has no teacher"),
        (32, {"teacher": "best"}, "no pretrained generator 'best'"),
        (64, {"start": "best"}, "no pretrained generator 'best'"),
        (64, {"start": "released", "width": 8}, "no weights for a width of 8"),
    ],
)
def test_what_cannot_be_taught_is_refused(size: int, options: dict[str, object], message: str) -> None:
    with pytest.raises(MimError, match=message):
        InpaintingModel(size, **options)  # type: ignore[arg-type]
