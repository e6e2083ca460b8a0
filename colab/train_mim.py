# ---
# jupyter:
#   jupytext:
#     cell_metadata_filter: cellView,jupyter,tags,-all
#     formats: ipynb,py:percent
#     notebook_metadata_filter: -jupytext.text_representation.jupytext_version
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Mask, inpaint, measure
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/mim-tf/mim-tf/blob/main/colab/train_mim.ipynb)
#
# You will teach a network one skin disease, mpox, and no other, and then ask it whether a new picture shows that
# disease. At the end you hold a model that a phone can run. You need some Keras and no knowledge of GANs.
#
# The idea fits into three words. **Mask**: hide parts of a picture. **Inpaint**: let a network that has only ever
# seen mpox paint them again. **Measure**: compare. What could not be painted is perhaps not mpox. Perhaps: half of
# this notebook is about how that idea goes wrong, and what can be done.
#
# *Every picture here is drawn by a program. There is no photograph and no patient in it, and no figure in it says
# how well mpox is detected in the world. This is research software, not a diagnosis.*
#
# Run the cells one after another, or all at once (in Colab: Runtime, Run all). The first cell installs the package,
# and the second says how long each part takes.

# %%
import importlib.util
import site
import subprocess
import sys
import sysconfig
from pathlib import Path

ADDRESS = "https://github.com/mim-tf/mim-tf"
folders = (Path.cwd(), *Path.cwd().parents)
checkout = next((folder for folder in folders if (folder / "mim_tf/models/mim.py").exists()), None)
found = importlib.util.find_spec("mim_export")
if found is None or (checkout and checkout not in Path(found.origin).resolve().parents):
    package = ["--editable", str(checkout)] if checkout else [f"mim-tf @ git+{ADDRESS}"]
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *package], check=True)
    site.addsitedir(sysconfig.get_path("purelib"))  # finds an editable package without a restart
    importlib.invalidate_caches()
print("mim-tf is installed", "from this checkout" if checkout else "")

# %% [markdown]
# The switches below have forms in Colab. `DRIVE` keeps everything that you make in your Google Drive: if Colab
# disconnects, run all cells again, and the training goes on where it stopped. `DATA` is for a folder of your own
# (part 2). `QUICK` makes everything small, to see it run; the pictures are then poor.

# %%
import logging
import os

from mim_export.errors import quiet_stderr
from mim_tf import colab

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # TensorFlow is talkative
with quiet_stderr():
    from mim_tf.lesson import Lesson, LiveTraining, machine, show_source
logging.getLogger("tensorflow").setLevel("ERROR")

DRIVE = False  # @param {type:"boolean"}
DATA = ""  # @param {type:"string"}
QUICK = False  # @param {type:"boolean"}
FAST = QUICK or os.environ.get("FAST") == "1"
# Minutes of each part, measured on two cores of an AMD EPYC without a GPU; slower cores take longer.
MINUTES = {"1 anomaly": 0.1, "2 data": 0.2, "3 masks": 0.1, "4 the GAN": 6, "5 measure": 0.2, "6 blank walls": 0.2}
MINUTES |= {"7 threshold": 0.3, "8 ProxyAno": 1.5, "9 shortcuts": 0.5, "10 export": 0.7, "11 your photo": 0.1}
MINUTES |= {"12 download": 0.1, "13 exercises": 0.2}
WORK = colab.work_folder("mim-work/fast" if FAST else "mim-work/full", drive=DRIVE)
SIZE, CELL = 128, 4  # sides in pixels of a picture and of a hidden square
STEPS, VIEWS = (300, 1) if FAST else (3000, 2)
lesson = Lesson(WORK / "pictures", MINUTES)
print(machine())
print(f"minutes in all: {4 if FAST else sum(MINUTES.values()):.0f} at most; of each part {'less' if FAST else MINUTES}")

# %% [markdown]
# ## 1 · What is an anomaly when you have only seen one disease?
#
# A **classifier** learns from examples of every class. Of mpox there are few photographs, and of the hundreds of other
# things that a phone may see there is no complete collection. So we do what a child does who has seen one kind of
# animal: we learn *one class* well, and call everything else an **anomaly**. That is **one-class** detection.
#
# Try it yourself. The first row is all that you have ever seen. Which of A to H belong to it?

# %%
import numpy as np

from mim_tf.pictures import grid_figure
from mim_tf.sample import render

lesson.begin("1 anomaly")
answers = ["mpox", "scales", "no_skin", "mpox", "wheals", "macules", "mpox", "plain"]
known = render("mpox", range(0, 16, 2))
new = np.concatenate([render(name, [900 + place]) for place, name in enumerate(answers)])
figure = grid_figure({"seen": known, "new": new}, lesson.path("riddle"), captions={"new": list("ABCDEFGH")})
lesson.show(figure, "eight pictures of one class, and eight new ones that may or may not be of it")

# %% [markdown]
# You judged without one example of anything else. Now the answers. If you hesitated between two of them, you have
# met the difficulty of the whole task: some classes differ from mpox in what is *drawn*, not in colour or sharpness.

# %%
figure = grid_figure({"new": new}, lesson.path("answers"), captions={"new": answers})
lesson.show(figure, "the same eight pictures with the names of their classes")

# %% [markdown]
# ## 2 · What are the data, and what may they not tell?
#
# The pictures come from `mim_tf.sample`, a program that paints skin and puts marks on it. Five classes show skin;
# `no_skin` shows none. The set is made so that neither colour nor roughness tells mpox from `macules`, `scales` and
# `wheals`; `plain` is smoother than all of them. Remember that.
#
# Three **splits** have three purposes: the network learns from `train`, a threshold is set by `val`, and figures are
# reported on `test`. And each picture belongs to a **group**, here a (synthetic) patient: two pictures of one
# patient are alike, so a patient must lie in one split only, or the test would be an exam with known questions.

# %%
from collections import Counter

from mim_tf import data, sample

lesson.begin("2 data")
folder = Path(DATA) if DATA else WORK / "sample"
if not folder.exists():
    few = {"train": {"mpox": 32}, "val": {"mpox": 40}, "test": dict.fromkeys(sample.CLASSES, 16)}
    sample.write_sample(folder, counts=few if FAST else sample.COUNTS)
photos = data.scan(folder)
for (split, name), count in sorted(Counter((photo.split, photo.label) for photo in photos).items()):
    groups = {photo.group for photo in photos if (photo.split, photo.label) == (split, name)}
    print(f"{split:6} {name:10} {count:4} pictures of {len(groups)} patients")

# %% [markdown]
# ### Your own photographs
#
# Put them into `DIR/mpox/` and `DIR/<another class>/`, write `DIR` into `DATA` above, and run the notebook again. They
# are split by group. You need about 40 patients with mpox; with fewer, part 7 has too little to count.
#
# The best known collection is the **Monkeypox Skin Lesion Dataset** (MSLD), which you find on
# [Kaggle](https://www.kaggle.com/datasets/nafin59/monkeypox-skin-lesion-dataset) under an account of your own. Before
# you take it, know what it is:
#
# * Its authors collected the pictures from news sites and case reports. They publish it for research, but cannot give
#   away the rights of photographers and patients. Read the terms on its page; do not publish a picture of it, and
#   do not upload faces to a machine that is not yours, Colab included.
# * It has 228 photographs. The folder of augmented images holds about 14 altered copies of each: take `Original
#   Images` alone, or copies of one photograph land in `train` and in `test`.
# * Its second class mixes chickenpox and measles; nobody confirmed the labels of this version in a clinic.
#
# Its file names tell the patient: `M01_02.jpg` is picture 2 of patient 1. The next cell writes that down for the
# library, in `MANIFEST.csv`. Without `DATA` it does nothing.

# %%
if DATA and not (folder / "MANIFEST.csv").exists():
    files = [photo.path for photo in photos]
    rows = [f"{file.relative_to(folder).as_posix()},{file.stem.rpartition('_')[0] or file.stem}" for file in files]
    (folder / "MANIFEST.csv").write_text("\n".join(["file,group", *rows]) + "\n", encoding="utf-8")
    photos = data.scan(folder)


def pictures(split, name, most=1000):
    """Up to so many pictures of a class, uint8 (N, 128, 128, 3)."""
    return data.load(data.select(photos, split, name)[:most], SIZE, warn=print, what=f"{split}/{name}").pixels


classes = ["mpox", *(name for name in data.labels(photos, "test") if name != "mpox")]
print("classes in test:", ", ".join(classes))

# %% [markdown]
# ### Is the same photograph in two splits?
#
# Names do not show it: somebody saved it again, smaller, mirrored. So the library compares what pictures *show*. Let
# us plant such a copy and see whether it is found, then check our own folder.

# %%
from PIL import Image

from mim_tf.duplicates import warn_of_duplicates

leaky = WORK / "leaky"
first, second = pictures("train", "mpox", 2)
for name, pixels in (("train/mpox/a.png", first), ("train/mpox/b.png", second), ("test/mpox/c.jpg", first[:, ::-1])):
    (leaky / name).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(leaky / name)
print("planted:")
warn_of_duplicates(data.scan(leaky), print)
print("our folder:")
warn_of_duplicates(photos, print)

# %% [markdown]
# Nothing after "our folder:" means that nothing was found. Look at the classes once more before we train: which of
# them would you confuse with mpox, and would a network confuse the same ones?

# %%
figure = grid_figure({name: pictures("test", name, 7) for name in classes}, lesson.path("classes"))
lesson.show(figure, "seven pictures of each class of the split test")

# %% [markdown]
# ## 3 · What does a mask hide?
#
# **Inpainting** means to paint what is missing, from what is left. A **mask** says what is missing: here squares
# ("cells") of 4 pixels, in a picture of 64. One mask hides a quarter of the picture. The network sees the rest and must
# guess.
#
# Four masks together, a **mask set**, hide every pixel exactly once. So each pixel of the picture gets predicted
# by a network that did not see it. That is the trick: what is predicted has not been copied.

# %%
from mim_export.preprocess import mask_set, resample

lesson.begin("3 masks")
photo = np.stack([resample(picture, SIZE // 2) for picture in pictures("train", "mpox", 1)])[0] / 255
masks = mask_set(SIZE // 2, cell=CELL, count=4)  # (4, 64, 64, 1): 1 = kept, 0 = hidden
print("hidden by each mask:", 1 - masks.mean(axis=(1, 2, 3)))
print("how often a pixel is hidden: between", (1 - masks).sum(0).min(), "and", (1 - masks).sum(0).max())
figure = grid_figure({"": np.concatenate([photo[None], photo * masks])}, lesson.path("masks"))
lesson.show(figure, "a picture, and the same picture under each of four masks")

# %% [markdown]
# How large should a cell be? If it is tiny, the answer stands beside it, whatever the picture shows. If it is huge,
# nobody can know. Move the slider (in Colab; elsewhere three sizes follow) and imagine painting the black cells.


# %%
def draw_masks(cell):
    """One picture under the masks of a cell size."""
    hidden = photo * mask_set(SIZE // 2, cell=cell, count=4)
    lesson.show(grid_figure({f"{cell} px": hidden}, lesson.path(f"cell_{cell}")), f"masks with cells of {cell} px")


colab.slider("cell", [4, 8, 16], draw_masks, live=colab.in_colab() and not FAST)

# %% [markdown]
# In training the masks are random, with cells of several sizes, so that the network cannot learn where the holes are.

# %%
import tensorflow as tf

from mim_tf.mask import random_masks
from mim_tf.models.mim import MIM, MIMConfig

config = MIMConfig(size=SIZE // 2, cell=CELL)
drawn = random_masks(tf.constant([0, 1]), 6, config.size, config.train_cells, config.train_counts).numpy()
lesson.show(grid_figure({"": photo * drawn}, lesson.path("random")), "one picture under six random masks")

# %% [markdown]
# ## 4 · How do two networks teach each other to paint?
#
# A **GAN** (generative adversarial network) is a game of two networks. The **generator** paints the hidden pixels. The
# **discriminator** sees a picture and says whether it is real or has been painted on. The generator wins when the
# discriminator cannot tell; so it cannot get away with grey mush, which would be right on average and looks false.
#
# The generator here is a **U-Net**: convolutions shrink the picture step by step, so that each value sees more of it,
# then it grows back; at each size the shrinking half hands its details over to the growing half. Its input has
# four channels: the picture with holes, and the mask. Its output is a picture.
#
# The discriminator is a small stack of convolutions that ends in an 8 x 8 grid: each number judges one region
# (a **patch discriminator**), above 0 for "real", below for "painted".

# %%
lesson.begin("4 the GAN")
untrained = MIM(config)
for network in (untrained.generator, untrained.discriminator):
    shapes = [layer.output.shape[1:] for layer in network.layers if "conv" in layer.name or "patch" in layer.name]
    print(
        f"{network.name}: {network.count_params():,} weights, {network.input.shape[1:]} -> {network.output.shape[1:]}"
    )
    print("   ", " ".join("x".join(map(str, shape)) for shape in dict.fromkeys(shapes)))

# %% [markdown]
# What does a generator paint before it has learnt anything? The four columns of this picture will come back: the
# original, what the generator sees under one of the masks, what it paints (each pixel while it is hidden), and the
# error, the brighter the larger.

# %%
from mim_tf.detector import Detector
from mim_tf.method import Training

detector = Detector("mim", size=SIZE, measure="deep", views=VIEWS, cell=CELL)
gan = detector.method.inpainting
shown = np.stack([resample(picture, config.size) for picture in pictures("train", "mpox", 24)[::4]]) / np.float32(255)
gan.preview(untrained, tf.constant(shown), lesson.path("untrained"))
lesson.show(lesson.path("untrained"), "six pictures, masked, and the grey that an untrained generator paints")

# %% [markdown]
# ### One step of the training, line by line
#
# Keras calls `train_step` once for each batch. With two networks and two optimizers we write it ourselves. The code
# below is not a copy: it is read from the library while you look at it, from `mim_tf/models/mim.py`.
#
# First, a mask for each picture of the batch. The number of the step is part of the **key**, the seed of the random
# numbers; so a training that was stopped draws the same masks when it goes on.

# %%
show_source(MIM.train_step, "key = tf.stack", "mask = random_masks")

# %% [markdown]
# Second, the generator paints. Inside a `GradientTape` TensorFlow remembers what was computed, to derive it
# afterwards. `masked_input` blackens the hidden pixels and adds the mask as fourth channel. `output` is a whole
# picture; `composed` takes it only where the mask hides (`mask` is 1 = kept, 0 = hidden).

# %%
show_source(MIM.train_step, "with tf.GradientTape() as g_tape", "composed = mask")

# %% [markdown]
# Third, the discriminator has its turn. Its step is not to be derived for the generator, so the tape pauses
# (`stop_recording`). It sees real pictures and composed ones in one batch, and its loss asks for values above +1 on
# real ones and below -1 on painted ones. What is beyond these counts no further; that is the **hinge loss**. Then its
# own optimizer changes its weights, and no others.

# %%
from mim_tf.models.losses import discriminator_loss, generator_losses

show_source(MIM.train_step, "with g_tape.stop_recording", "d_loss =")
show_source(MIM._train_discriminator, "with tf.GradientTape", "return loss")
show_source(discriminator_loss, "return", "return")

# %% [markdown]
# Fourth, the improved discriminator judges the composed pictures, and the generator's losses are added up:
# the error at hidden pixels, a little of that at kept ones, one minus the similarity SSIM (part 5 explains it), and
# the adversarial loss: minus the discriminator's opinion. The weights say how loud each is; the adversarial one
# is quiet, or the two would play their own game and forget the pictures.

# %%
show_source(MIM.train_step, "judgement = ", "g_loss = ")
show_source(generator_losses, "return {", "}")
print(config.losses)

# %% [markdown]
# Last, the gradient of that sum changes the weights of the generator, and only its. Games swing to and fro, so a
# second generator follows as a **moving average** of the first one's weights. It is the one that we use afterwards.

# %%
show_source(MIM.train_step, "gradients = g_tape", "update_average")

# %% [markdown]
# ### Watch it learn
#
# Now the same step, thousands of times, on the class mpox of `train` and nothing else. Below appear the losses and, as
# the training goes on, pictures like the one above. What to look at: first comes the colour of skin, then shading, then
# red where a mark reaches into a hole, at last something like a mark. The losses of the two players should hardly fall:
# if one player's fell to nothing, the other would have stopped being an opponent.
#
# `fit` does more than the GAN: at its end it prepares a second measure (part 6) and a threshold (part 7). If the
# machine stops, run the cell again; it continues from the last checkpoint in the run folder.

# %%
run = WORK / f"run_{SIZE}px_{STEPS}steps"
watched = LiveTraining(run, lesson.path("losses"))
detector.fit(photos, run, alpha=0.05, training=Training(steps=STEPS), warn=print, progress=watched)
print("a run folder holds:", ", ".join(sorted(path.name for path in run.iterdir())))

# %% [markdown]
# An early and the last preview beside each other. Every pixel in the third column was painted while it was hidden. The
# network continues what the neighbours of a hole tell it. What they do not tell, the fine ring and its highlight, comes
# out as a smear, and there the error is bright: *on mpox itself*, which is all that this network knows. Remember that.

# %%
from mim_tf.pictures import beside_figure

previews = sorted((run / "final" / "previews").glob("*.png"))
steps = {f"step {int(path.stem.removeprefix('step'))}": path for path in (previews[0], previews[-1])}
lesson.show(beside_figure(steps, lesson.path("progress")), "previews of an early step and of the last one")

# %% [markdown]
# ## 5 · How well was it painted?
#
# We need one number for "how alike are these two pictures". The mean difference of pixels is a poor one: it calls a
# slightly darker copy worse than a blurred one. **SSIM** (structural similarity) looks through a small window and
# compares three things there: mean brightness, contrast, and whether the patterns rise and fall together. It is 1
# for equal windows and near 0 for unrelated ones. The measure that was published with this method is the mean SSIM of
# the picture and its inpainting. Look which damage SSIM forgives.

# %%
from scipy.ndimage import gaussian_filter

from mim_tf.measure import ssim

lesson.begin("5 measure")
noise = np.random.default_rng(0).normal(0, 0.05, photo.shape)
damaged = {"itself": photo, "darker": photo * 0.85, "blurred": gaussian_filter(photo, (2, 2, 0))}
damaged |= {"noisy": photo + noise, "mirrored": photo[:, ::-1], "turned": np.rot90(photo)}
damaged = {name: np.clip(image, 0, 1).astype(np.float32) for name, image in damaged.items()}
values = {name: float(ssim(damaged["itself"][None], image[None])[0]) for name, image in damaged.items()}
figure = grid_figure(
    {"": list(damaged.values())}, lesson.path("ssim"), captions={"": [f"{n} {v:.2f}" for n, v in values.items()]}
)
lesson.show(figure, "one picture, damaged in five ways, with its SSIM to the original")

# %% [markdown]
# Now the pictures of `test`, which the network has never seen, each with its inpainting and a map of SSIM: yellow where
# the painting is right, blue where it is not. The picture of each class is the one in the middle of the ranking,
# neither the best nor the worst. Where does the network fail, at marks of another disease, or at marks?

# %%
from mim_tf.deep import halved
from mim_tf.pictures import similarity_map_figure
from mim_tf.workflow import evaluate_into

evaluation = evaluate_into(detector, photos, "test", WORK / "evaluation", 0, print)
by_class = {name: evaluation.scores[name].judgement.ssim for name in classes}
# What the GAN sees: pictures of half the side, float32 in [0, 1].
small = {name: halved(tf.constant(evaluation.scores[name].photos.pixels, tf.float32)) / 255 for name in classes}
columns = {}
for name, similarity in by_class.items():
    middle = int(np.argsort(similarity)[len(similarity) // 2])
    original = small[name][middle : middle + 1]
    columns[f"{name} {similarity[middle]:.2f}"] = (original[0], gan.reconstruct(gan.model, original)[0])
figure = similarity_map_figure(columns, lesson.path("maps"))
lesson.show(figure, "a picture of each class, its inpainting, and the map of their similarity")

# %% [markdown]
# One number for each picture, a histogram for each class. If the method worked as its idea says, mpox would stand on
# the right and all other classes to its left. Which classes stand to the *right* of mpox?

# %%
from mim_tf.pictures import histogram_figure

figure = histogram_figure({"SSIM of picture and inpainting": by_class}, lesson.path("ssim_classes"))
lesson.show(figure, "histograms of SSIM for each class; mpox is outlined in every row")
for name, similarity in by_class.items():
    print(f"{name:10} mean SSIM {similarity.mean():.3f}, standard deviation {similarity.std():.3f}")

# %% [markdown]
# ### From histograms to one figure: ROC and AUROC
#
# Put a **threshold** somewhere: what lies above is called mpox. Some mpox is above (good), some of the other class
# too (bad). Move the threshold from right to left and draw both shares: that is the **ROC curve**. The area under it,
# **AUROC**, has a simple meaning: take one mpox picture and one other at random; AUROC is the probability that mpox has
# the higher number. 1 is perfect, 0.5 is a coin, and below 0.5 the other class looks more like mpox than mpox.

# %%
from mim_tf.evaluate import auroc, by_ssim

name = classes[1]
pairs = by_class["mpox"][:, None] > by_class[name][None, :]
print(f"{pairs.size} pairs of mpox and {name}; mpox is higher in {pairs.sum()} of them: {pairs.mean():.3f}")
print(f"AUROC by the library: {auroc(by_class['mpox'], by_class[name]):.3f}")

# %% [markdown]
# A figure from a few dozen pictures is uncertain. The **95 % interval** in brackets says how far it would move if we
# had met other patients: the library draws patients anew, with repetition, 2000 times (a **bootstrap**), and keeps the
# middle 95 %. It draws patients, not pictures, since pictures of one patient are no independent witnesses.

# %%
from mim_tf.report import roc_figure

published = by_ssim(evaluation)
lesson.show(roc_figure(published, "SSIM, split test", lesson.path("roc")), "ROC curves of mpox against each class")
for name, entry in published.metrics["classes"].items():
    print(f"{name:10} AUROC {entry['auroc']:.2f} [{entry['ci_low']:.2f}, {entry['ci_high']:.2f}]")

# %% [markdown]
# ## 6 · Why does a blank wall look like mpox?
#
# Let us ask the network about something that no doctor would confuse with a disease: walls. Sixteen plain surfaces
# of one colour with a little shading, and the same question: how well were they painted?

# %%
from mim_tf.made_images import blank

lesson.begin("6 blank walls")
walls = blank(16, SIZE, np.random.default_rng(0))
wall_scores = detector.judge(walls)
print(f"mean SSIM: mpox {by_class['mpox'].mean():.3f}, walls {wall_scores.ssim.mean():.3f}")
print(f"AUROC of mpox against walls by SSIM: {auroc(by_class['mpox'], wall_scores.ssim):.2f}")

# %% [markdown]
# Read that again: by the published measure a wall is *more like mpox than mpox is*. To see why, rank all pictures of
# `test` and the walls by SSIM. Which eight come out on top, which at the bottom?

# %%
everything = {name: evaluation.scores[name].photos.pixels for name in classes} | {"wall": walls}
scores = by_class | {"wall": wall_scores.ssim}
ranking = sorted(((value, name, place) for name in scores for place, value in enumerate(scores[name])), reverse=True)
ends = {"most like mpox": ranking[:8], "least": ranking[-8:]}
rows = {end: [everything[name][place] for _, name, place in entries] for end, entries in ends.items()}
captions = {end: [f"{name} {value:.2f}" for value, name, _ in entries] for end, entries in ends.items()}
figure = grid_figure(rows, lesson.path("ranking"), captions=captions)
lesson.show(figure, "the eight pictures with the highest and the eight with the lowest SSIM")

# %% [markdown]
# The top is smooth, the bottom is full of detail. A smooth picture is easy to paint whatever it shows; a detailed
# one is hard even if it is the very disease that was learnt. So measure smoothness itself (less change from pixel to
# pixel = smoother) and draw it against SSIM. **Rank correlation** is 1 where two orders are the same, 0 where they have
# nothing to do with each other.

# %%
from mim_tf.image_properties import smoothness
from mim_tf.pictures import scatter_figure
from mim_tf.probes import spearman

smooth = {name: smoothness(evaluation.scores[name].photos.pixels) for name in classes}
skin = [name for name in classes if name not in ("no_skin", "abnormal")]
followed = spearman(np.concatenate([smooth[n] for n in skin]), np.concatenate([by_class[n] for n in skin]))
points = {name: (smooth[name], by_class[name]) for name in classes} | {"walls": (smoothness(walls), wall_scores.ssim)}
title = f"rank correlation over skin classes {followed:.2f}"
figure = scatter_figure(points, lesson.path("smoothness"), labels=("smoothness", "SSIM"), title=title)
lesson.show(figure, "SSIM of each picture against its smoothness")

# %% [markdown]
# That is the **smoothness trap**. Does the GAN at least beat something that has learnt nothing? A `blur` fills each
# hole, of the same masks, with the mean colour of its surroundings: no network, no training. In which classes is the
# GAN's bar clearly longer, and do these show skin?

# %%
from mim_tf.baselines.blur import blur_inpaint
from mim_tf.pictures import bars_figure

blurred = {name: ssim(images, blur_inpaint(images.numpy(), gan.masks)).numpy() for name, images in small.items()}


def aurocs(scores):
    """AUROC of mpox against each other class."""
    return {name: auroc(scores["mpox"], values) for name, values in scores.items() if name != "mpox"}


bars = {"GAN, SSIM": aurocs(by_class), "blur, SSIM": aurocs(blurred)}
figure = bars_figure(bars, lesson.path("blur"), xlabel="AUROC of mpox against ... (0.5 = a coin)", line=0.5)
lesson.show(figure, "AUROC of mpox against each class, by the GAN and by a blur that has learnt nothing")

# %% [markdown]
# ### How can the measure be mended?
#
# Not by a better painter: a perfect one would paint walls perfectly. The question has to change from "how *much* could
# not be painted?" to "*what* could not be painted?" The measure `deep` of this library asks that in three steps:
#
# 1. **Features.** A network that was trained on everyday pictures (EfficientNet-Lite0) turns the picture into a grid of
#    numbers that stand for edges, textures, shapes. It is **frozen**: we do not train it.
# 2. **Where.** Each place of the grid counts as much as the inpainting is wrong there.
# 3. **What.** A small regression, the **head**, learns which features speak for mpox. For that it needs examples of
#    what is *not* mpox. We have none, so we *make* them: the mpox pictures themselves with their marks healed, painted
#    over, turned inside out, stretched or shuffled. They are **self-made negatives**, and no other disease is needed.

# %%
from mim_tf.self_made import NEGATIVES, take_apart

rng = np.random.default_rng(1)
case = take_apart(pictures("train", "mpox", 3)[2].astype(np.float32) / 255, rng)
kinds = ["healed", "macules", "inverted", "shrunk", "vesicles", "bent", "shuffled"]
made = [case.image, *(np.clip(NEGATIVES[kind](case, rng), 0, 1) for kind in kinds)]
figure = grid_figure({"": made}, lesson.path("self_made"), captions={"": ["mpox", *kinds]})
lesson.show(figure, f"a picture of mpox and seven of {len(NEGATIVES)} kinds of self-made negatives")

# %% [markdown]
# Your detector has had that measure since part 4. The same pictures, the same inpaintings, another ruler:

# %%
deep_by_class = {name: evaluation.scores[name].judgement.similarity for name in classes}
rulers = {"SSIM": by_class, "deep": deep_by_class}
lesson.show(histogram_figure(rulers, lesson.path("two_measures")), "histograms of both measures for each class")

# %%
against = {ruler: aurocs(scores) for ruler, scores in rulers.items()}
against["SSIM"]["walls"] = auroc(by_class["mpox"], wall_scores.ssim)
against["deep"]["walls"] = auroc(deep_by_class["mpox"], wall_scores.similarity)
figure = bars_figure(against, lesson.path("mended"), xlabel="AUROC of mpox against ... (0.5 = a coin)", line=0.5)
lesson.show(figure, "AUROC of mpox against each class and walls, by SSIM and by the measure deep")

# %% [markdown]
# Bars at 1.00 should make you suspicious, not happy. These classes were drawn by a program, and their marks are told
# apart easily once the question is right. What do photographs say? The library brings a model that was trained on
# them, with its figures: the next cell reads and draws them.

# %%
import json

from mim_export.runtime import RELEASED

real = json.loads((RELEASED / "metrics.json").read_text())["TFLite"]
print(
    f"photographs, mean AUROC over {sum(e['skin'] for e in real['classes'].values())} skin classes, with 95 % interval:"
)
bars = {}
for ruler, entry in (("SSIM", real["ssim"]), ("deep", real)):
    print(f"  {ruler:5} {entry['mean_auroc']:.2f} [{entry['mean_auroc_ci'][0]:.2f}, {entry['mean_auroc_ci'][1]:.2f}]")
    bars[ruler] = {name.replace("_", " "): one["auroc"] for name, one in entry["classes"].items()}
xlabel = "AUROC of mpox against ..., photographs (0.5 = a coin)"
lesson.show(bars_figure(bars, lesson.path("photographs"), xlabel=xlabel, line=0.5), "AUROC on photographs, by class")

# %% [markdown]
# So the trap is real on photographs too, and the mend helps there, far from perfectly. One more honest word: what the
# mend gains comes from the features and the self-made negatives. Whether the GAN's errors say *where* to look, or
# those of a blur, or nothing at all, made no difference that could be measured
# ([how it was found](https://github.com/mim-tf/mim-tf/blob/main/docs/detection.md)). The inpainting remains as the
# picture that shows a person where a photograph deviates.

# %% [markdown]
# ## 7 · What does "95 % sensitivity" promise?
#
# A phone must say something, not draw a curve. So: from which similarity on do we say `mpox-like`? The pictures of
# `val` help, mpox that nothing was fitted on. The **p-value** of a new picture is its rank among them: the share of
# held-out patients with mpox who look as *little* like mpox as this picture, or less. A picture with p = 0.03 is
# odder than 97 % of real mpox. (The new picture counts as one of the crowd, so of 20 patients p is never below 1/21.)
#
# We say `not-mpox-like` where p is at most **alpha** = 0.05. Then about 5 % of mpox gets lost, and 95 % is kept: its
# **sensitivity**. No other disease was needed to set this; such a rule is called **conformal**.

# %%
from mim_export.decide import VERDICTS

lesson.begin("7 threshold")
table = detector.calibration
print(f"{table.groups} patients in the table, threshold {table.threshold:.2f} at alpha {table.alpha}")
print(table.guarantee)
for name in classes:
    similarity, p, verdict, reason, _ = (values[0] for values in evaluation.scores[name].judgement)
    print(f"one of {name:10} similarity {similarity:7.2f}  p {p:.2f}  {VERDICTS[verdict]}")

# %% [markdown]
# Does `test` keep the promise? And what becomes of the other classes, of which nothing was promised? We make the same
# rule from SSIM, to compare. (`cannot-judge`, the third verdict, is for pictures that are blank, blurred or far from
# all that the network knows; here we count by the threshold alone.)

# %%
from mim_export.decide import p_value, smallest_alpha
from mim_tf.calibrate import fit_calibration

held = data.load(data.select(photos, "val", "mpox"), SIZE, warn=print, what="val/mpox")
alpha = max(0.05, smallest_alpha(len(set(held.groups))))
held_scores = detector.judge(held.pixels)
rules = {
    "SSIM": fit_calibration(held_scores.ssim, held.groups, alpha=alpha, method="split"),
    "deep": fit_calibration(held_scores.similarity, held.groups, alpha=alpha, method="split"),
}
called = {
    ruler: {name: float((p_value(scores, rules[ruler]) > alpha).mean()) for name, scores in rulers[ruler].items()}
    for ruler in rulers
}
figure = bars_figure(called, lesson.path("called"), xlabel="share that is called mpox-like", line=1 - alpha)
lesson.show(figure, "share of each class that is called mpox-like, by a threshold on SSIM and on the measure deep")

# %% [markdown]
# Look at the bars of mpox first: both rules keep about what was promised. **The promise holds for any measure, even for
# a useless one.** Then look at the others: by SSIM nearly everything is mpox-like. Sensitivity says nothing about
# false alarms. On photographs the measure `deep` has many of them as well; the model in the library:

# %%
share = {name: entry["called_mpox_like"] for name, entry in real["classes"].items()}
print(f"photographs: {real['sensitivity']['value']:.2f} of mpox is called mpox-like, and so is")
for name, value in share.items():
    print(f"  {value:.2f} of {name.replace('_', ' ')}")
sick, healthy, rate = real["sensitivity"]["value"], share["healthy"], 0.01
right = rate * sick / (rate * sick + (1 - rate) * healthy)
print(f"if 1 of 100 who ask has mpox and the others healthy skin, mpox-like is right in {right:.1%} of all cases")

# %% [markdown]
# "Mpox-like" means "not told from mpox". It never means "probably mpox".
#
# The second thing that the promise does not say: it holds **on average over calibration sets**. Yours is one, of few
# patients. Let us draw many new patients, choose 20 of them for the table, and see which share of the rest is kept;
# and again, 500 times.

# %%
rng = np.random.default_rng(0)
if DATA:
    fresh, count = deep_by_class["mpox"], max(9, len(deep_by_class["mpox"]) // 2)
else:
    indices = range(10_000, 10_120 if FAST else 10_400, 2)  # one picture of each patient
    fresh, count = detector.similarity(render("mpox", list(indices))), 20
kept = []
for _ in range(500):
    order = rng.permutation(len(fresh))
    chosen, rest = fresh[order[:count]], fresh[order[count:]]
    rule = fit_calibration(
        chosen, np.arange(count).astype(str), alpha=max(alpha, smallest_alpha(count)), method="split"
    )
    kept.append(float((p_value(rest, rule) > rule.alpha).mean()))
title = f"share of mpox kept, 500 tables of {count} patients"
figure = histogram_figure(
    {title: {"mpox": np.array(kept)}}, lesson.path("promise"), xlabel="sensitivity", thresholds={title: 1 - alpha}
)
lesson.show(figure, "histogram of the sensitivity over 500 calibration sets")
print(f"mean {np.mean(kept):.3f}; one table in twenty keeps less than {np.quantile(kept, 0.05):.3f}")

# %% [markdown]
# The mean keeps the promise. A single table may be a good deal below, and you cannot see from inside which one you
# have. More patients in `val` make the hill narrower. And all of it assumes that new pictures come from the same
# crowd as the table: other cameras, other skin, another hospital, and the promise is void.
#
# What if we accept to lose more mpox? Choose alpha and see the threshold move.


# %%
def draw_threshold(alpha):
    """Histograms with the threshold of an alpha."""
    rule = fit_calibration(held_scores.similarity, held.groups, alpha=alpha, method="split")
    path = lesson.path(f"alpha_{alpha}")
    title = f"deep, alpha {alpha}"
    lesson.show(
        histogram_figure({title: deep_by_class}, path, thresholds={title: rule.threshold}),
        f"threshold of alpha {alpha}",
    )


colab.slider("alpha", [0.05, 0.2], draw_threshold, live=colab.in_colab() and not FAST)

# %% [markdown]
# ## 8 · Is a GAN the only way?
#
# Another method for the same task is **ProxyAno**. It hides nothing. It squeezes the picture through a **proxy**, a
# simplified version that keeps the layout and drops the texture (here superpixels: patches of one colour each), and
# rebuilds the picture from the proxy. What was never seen in training, so the hope, cannot be rebuilt.
#
# A fair comparison uses the same pictures, size and measure (SSIM). Ours is small: ProxyAno gets a third of the steps
# of the GAN. The real one, with equal training time on photographs and three seeds, is in
# [docs/comparison.md](https://github.com/mim-tf/mim-tf/blob/main/docs/comparison.md).

# %%
lesson.begin("8 ProxyAno")
bridge = Detector("proxyano", size=SIZE // 2)
folder = WORK / f"proxyano_{STEPS // 3}steps"
watched = LiveTraining(folder, lesson.path("proxyano_losses"))
bridge.fit(photos, folder, alpha=0.05, training=Training(steps=STEPS // 3), warn=print, progress=watched)
columns = {"original": shown, **bridge.method.columns(bridge.method.model, tf.constant(shown))}
figure = grid_figure({name: np.asarray(images) for name, images in columns.items()}, lesson.path("proxies"))
lesson.show(figure, "six pictures, their proxies, and what ProxyAno rebuilds from these")

# %% [markdown]
# The second row has lost the texture, the third tries to bring it back. Before you look at the bars: does ProxyAno
# escape the smoothness trap? Ask yourself which pictures lose little when they are simplified.

# %%
rebuilt = {name: ssim(images, bridge.method.model(images)).numpy() for name, images in small.items()}
methods = {"GAN, SSIM": aurocs(by_class), "ProxyAno, SSIM": aurocs(rebuilt), "GAN, deep": aurocs(deep_by_class)}
figure = bars_figure(methods, lesson.path("methods"), xlabel="AUROC of mpox against ... (0.5 = a coin)", line=0.5)
lesson.show(figure, "AUROC of the GAN and of ProxyAno by the same measure, and of the GAN by the measure deep")

# %% [markdown]
# Whatever *rebuilds* pictures and is measured by SSIM falls into the same trap: the ruler matters more than the
# painter.
#
# ## 9 · How does an AUROC lie?
#
# Suppose that one class comes from one web site, and the site prints its name into the corner. A detector that finds
# the *mark* then tells the classes apart, and its AUROC is splendid until the first picture from elsewhere. That is a
# **shortcut**. We plant one, on the class that is hardest for our victim: the method `patchcore`, which compares
# each patch of a picture with all patches of the training pictures and lets the oddest patch decide.

# %%
from mim_tf.made_images import corner_marked

lesson.begin("9 shortcuts")
victim = Detector("patchcore", size=SIZE // 2)
victim.fit(photos, WORK / "patchcore", alpha=0.05, training=Training(), warn=print, progress=lambda *told: None)
plain_pictures = {name: pictures("test", name, 16) for name in classes}


def judged(judge, pixels, ruler="similarity"):
    """What a detector says of pictures of 128 px."""
    return getattr(judge.judge(np.stack([resample(picture, judge.size) for picture in pixels])), ruler)


found = aurocs({name: judged(victim, pixels) for name, pixels in plain_pictures.items()})
hardest = min((name for name in skin if name != "mpox"), key=found.get)
print({name: round(value, 2) for name, value in found.items()}, "hardest:", hardest)

# %%
marked = {name: corner_marked(plain_pictures[name]) for name in (hardest, "mpox")}
figure = grid_figure({name: pixels[:8] for name, pixels in marked.items()}, lesson.path("marked"))
lesson.show(figure, "pictures of two classes with a small watermark in the lower right corner")

# %% [markdown]
# Three experiments with the same trained detectors: no mark; the mark on every picture of the other class; the mark on
# every picture of mpox. No disease changed. An honest detector would draw three equal bars.

# %%
judges = {"patchcore": (victim, "similarity"), "GAN, SSIM": (detector, "ssim"), "GAN, deep": (detector, "similarity")}
experiments = {
    "no mark": (plain_pictures["mpox"], plain_pictures[hardest]),
    f"mark on {hardest}": (plain_pictures["mpox"], marked[hardest]),
    "mark on mpox": (marked["mpox"], plain_pictures[hardest]),
}
bars = {
    title: {name: auroc(*(judged(judge, pixels, ruler) for pixels in pair)) for name, (judge, ruler) in judges.items()}
    for title, pair in experiments.items()
}
figure = bars_figure(bars, lesson.path("shortcut"), xlabel=f"AUROC of mpox against {hardest}", line=0.5)
lesson.show(figure, f"AUROC of mpox against {hardest}, without and with a watermark")

# %% [markdown]
# By the numbers of `patchcore`, the second experiment would be a publication and the third a disaster; in both it has
# learnt nothing about skin. Equal bars are no proof of the opposite: a measure at 1.00 may move a good deal before its
# AUROC does. Two remedies: compare with pictures of the *same* source, and alter pictures on purpose and see
# whether the score moves. The library does the second in every evaluation, here of the measure `deep`:

# %%
lesson.show(WORK / "evaluation" / "probes.png", "what the score goes along with, and what altered pictures do to it")

# %% [markdown]
# Left: how far the score follows what is no sign of a disease (bars near 0 are good). Right: AUROC when only pictures
# are compared that are alike in a property (light blue: it should stay where the green bar is), against pictures that
# show no skin (yellow), and of mpox against *itself*, altered (pink: 0.5 would mean that the score does not move).
#
# ## 10 · How does it get into a phone?
#
# Phones do not run Keras. **TFLite** is a file format for small devices: one file with the network, the measure, the
# table of p-values and the verdict, so that an app cannot get any of it wrong. To be small and fast, networks are
# **quantized**: a weight becomes a whole number of 8 bits (int8) instead of a float of 32, or a float of 16.
# What that costs has to be measured, image by image.

# %%
from mim_tf.workflow import export_run

lesson.begin("10 export")
bundle = WORK / f"bundle_{run.name}"
if not bundle.exists():
    with quiet_stderr():
        export_run(run, bundle, None, "Pictures drawn by a program: no photograph, no patient.", print)
manifest = json.loads((bundle / "manifest.json").read_text())
for name, about in manifest["models"].items():
    kinds = Counter(tensor["dtype"] for tensor in about["tensors"].values())
    print(f"{name}: {manifest['files'][name]['bytes']:,} bytes; quantized tensors: {dict(kinds)}")
print(f"the trained generator in Keras, float32: {4 * gan.network.count_params():,} bytes of weights")

# %% [markdown]
# A folder like this is a **bundle**; its `manifest.json` says everything that an app must know, in words for programs.
# Now the same pictures through Keras and through the bundle. First what is painted (the third row is the
# difference, fifty times enlarged: black is equal).

# %%
from mim_export.runtime import Scorer

scorer = Scorer(bundle)
some = np.stack([plain_pictures[name][0] for name in classes])
from_keras = np.asarray(detector.method.columns(some)["inpainted"])
from_bundle = np.stack([scorer.inpaint(pixels) for pixels in some]) / 255
difference = np.abs(from_keras - from_bundle).mean(-1)
rows = {"Keras": from_keras, "bundle": from_bundle, "x 50": np.clip(50 * difference, 0, 1)}
lesson.show(
    grid_figure(rows, lesson.path("both_paint")), "inpaintings by Keras and by the bundle, and their difference"
)
print(f"largest mean difference of a picture: {255 * difference.mean(axis=(1, 2)).max():.2f} of 255 levels")

# %% [markdown]
# Second, the bundle checks itself: it holds **golden** pictures with the answers that every program must give.
# Whoever writes an app runs them. The next cell runs them on each program that this machine has. `exact` and `within
# tolerance` are good. `differs` means that rounding moved an answer too far, as it happens where the model was trained
# on few pictures for a minute; then nobody should ship it.

# %%
from mim_export.verify import verify

with quiet_stderr():
    verified = verify(bundle)
for row in verified:
    status = row.status.split(":")[0]
    print(f"{row.runtime:18} {row.part:20} {status:18}", f"{row.images} pictures" if row.images else "")
print("do not ship this bundle" if any(row.bad for row in verified) else "all programs agree")

# %% [markdown]
# Last, what is said. Each point is a picture; on the diagonal both say the same. A difference matters where it moves a
# point across a dashed line, the threshold: then the phone says something else than the computer.

# %%
from_scorer = {name: scorer.judge(evaluation.scores[name].photos.pixels) for name in classes}
points = {name: (deep_by_class[name], from_scorer[name].similarity) for name in classes}
limits = (table.threshold, scorer.threshold)
labels = ("similarity by Keras", "similarity by the bundle")
figure = scatter_figure(points, lesson.path("both_say"), labels=labels, thresholds=limits, equal=True)
lesson.show(figure, "similarity of each picture by Keras and by the bundle")
gaps = np.concatenate([np.abs(ours - theirs) for ours, theirs in points.values()])
same = np.concatenate([evaluation.scores[name].judgement.verdict == from_scorer[name].verdict for name in classes])
print(f"similarities differ by {np.median(gaps):.3f} (median) and {gaps.max():.2f} at most")
print(f"{same.sum()} of {same.size} verdicts agree")

# %% [markdown]
# ## 11 · What does it say about a picture of yours?
#
# Choose `upload` or `camera` (Colab only). Elsewhere, and with `synthetic`, a painted picture stands in. Two warnings.
# The bundle's promise that no image leaves the device is broken in Colab: your picture travels to a machine of
# Google. And your model has seen a program's paintings only: what it says about a photograph means nothing at all.

# %%
PHOTO = "synthetic"  # @param ["synthetic", "upload", "camera"]
lesson.begin("11 your photo")
Image.fromarray(render("mpox", [777])[0]).resize((256, 256)).save(WORK / "synthetic.png")
path = colab.photo_of_yours(WORK, "synthetic" if FAST else PHOTO, WORK / "synthetic.png")
answer = scorer.score(path)
print(answer)

# %% [markdown]
# The library also brings a bundle that was trained on photographs. It may answer `cannot-judge` to a painted picture,
# and that is right: it has never seen such a thing.

# %%
released = Scorer()
print("the released bundle:", {key: value for key, value in released.score(path).items() if key != "image"})

# %% [markdown]
# And the way there, by your own bundle. The bright places of the last picture are what could not be painted.

# %%
from mim_export.preprocess import decode

pixels = resample(decode(path), scorer.size)
found = scorer.run(pixels)
way = [pixels / 255, detector.method.columns(pixels[None])["under one mask"][0], found["inpainted"][0] / 255]
way.append(np.clip(found["error_map"][0, :, :, 0], 0, 1))
captions = ["picture", "mask", "inpaint", "measure"]
title = f"{answer['verdict']}, p {answer['p_value']:.2f}"
figure = grid_figure({"": way}, lesson.path("yours"), captions={"": captions}, title=title)
lesson.show(figure, "your picture: masked, inpainted, measured")

# %% [markdown]
# ## 12 · What do you take home?
#
# The bundle: the model, its manifest, its golden pictures, a card that says what it is and is not, and the sources of
# scorers in several languages. In Colab the cell below offers it as a download.

# %%
import shutil

lesson.begin("12 download")
shutil.make_archive(str(bundle), "zip", bundle)
if not FAST:
    colab.download(bundle.with_name(f"{bundle.name}.zip"))
sizes = {name: entry["bytes"] / 1e6 for name, entry in manifest["files"].items() if "/" not in name}
sizes |= {"all golden pictures": sum(e["bytes"] for n, e in manifest["files"].items() if n.startswith("golden/")) / 1e6}
figure = bars_figure(
    {"": dict(sorted(sizes.items(), key=lambda item: -item[1])[:4])}, lesson.path("sizes"), xlabel="megabytes"
)
lesson.show(figure, "the largest files of the bundle")

# %% [markdown]
# Where to go from here:
#
# * **Android**: [export/kotlin](https://github.com/mim-tf/mim-tf/tree/main/export/kotlin), the scorer in plain Kotlin.
# * **iOS**: [export/swift](https://github.com/mim-tf/mim-tf/tree/main/export/swift), which is a beginning; the contract
#   in [export/README.md](https://github.com/mim-tf/mim-tf/blob/main/export/README.md) says all that is needed.
# * **A web page**: [export/web/scorer](https://github.com/mim-tf/mim-tf/tree/main/export/web/scorer), in the browser.
# * **A microcontroller**: [export/micro](https://github.com/mim-tf/mim-tf/tree/main/export/micro); it needs a smaller
#   network and says how much weaker that is.
# * **Real photographs**: [docs/detection.md](https://github.com/mim-tf/mim-tf/blob/main/docs/detection.md) and
#   [docs/comparison.md](https://github.com/mim-tf/mim-tf/blob/main/docs/comparison.md).
# * **Questions**: [docs/faq.md](https://github.com/mim-tf/mim-tf/blob/main/docs/faq.md).

# %% [markdown]
# ## 13 · Exercises
#
# Each has an empty cell for you and a solution that is folded up (in Colab under "Solution", in Jupyter under the
# three dots). Write down what you expect before you run anything.
#
# **1. The mask size.** The GAN was trained with cells of 4 to 12 px. Inpaint mpox and `scales` (or another class) of
# `test` with `gan.model.inpaint(small[name], mask_set(64, cell, 4))` and cells of 4, 8 and 16 px. How do mean SSIM and
# AUROC change? Does a size escape the smoothness trap?

# %%
# Your turn.

# %% cellView="form" jupyter={"source_hidden": true} tags=["solution"]
# @title Solution 1
lesson.begin("13 exercises")
other = "scales" if "scales" in classes else classes[1]
bars = {"mean SSIM of mpox": {}, f"AUROC against {other}": {}}
for cell in (4, 8, 16):
    masks = mask_set(SIZE // 2, cell, 4)
    scores = {name: ssim(small[name], gan.model.inpaint(small[name], masks)).numpy() for name in ("mpox", other)}
    bars["mean SSIM of mpox"][f"{cell} px"] = float(scores["mpox"].mean())
    bars[f"AUROC against {other}"][f"{cell} px"] = auroc(scores["mpox"], scores[other])
lesson.show(bars_figure(bars, lesson.path("solution_1"), xlabel="SSIM or AUROC"), "SSIM and AUROC for three cell sizes")

# %% [markdown]
# **2. The measure.** Replace SSIM by minus the mean absolute error, and by `mim_tf.measure.msgms_map`, which compares
# how strong edges are. Which one ranks walls lower than SSIM does? Does any of them tell `scales` from mpox?

# %%
# Your turn.

# %% cellView="form" jupyter={"source_hidden": true} tags=["solution"]
# @title Solution 2
from mim_tf.measure import msgms_map

images = {"mpox": small["mpox"], other: small[other], "walls": halved(tf.constant(walls, tf.float32)) / 255}
painted = {name: gan.reconstruct(gan.model, originals) for name, originals in images.items()}
measures = {
    "SSIM": ssim,
    "minus absolute error": lambda a, b: -tf.reduce_mean(tf.abs(a - b), axis=[1, 2, 3]),
    "gradient similarity": lambda a, b: tf.reduce_mean(msgms_map(a, b), axis=[1, 2, 3]),
}
scores = {title: {n: measure(images[n], painted[n]).numpy() for n in images} for title, measure in measures.items()}
bars = {title: aurocs(values) for title, values in scores.items()}
figure = bars_figure(bars, lesson.path("solution_2"), xlabel="AUROC of mpox against ...", line=0.5)
lesson.show(figure, "AUROC by three measures of the same inpaintings")

# %% [markdown]
# **3. The threshold.** Which is the smallest alpha that your number of held-out patients allows, and why? Make the rule
# for alpha 0.1, 0.2 and 0.5, and compare the share of mpox that is kept with what is promised, and with the share of
# `plain` that a rule on SSIM calls mpox-like.

# %%
# Your turn.

# %% cellView="form" jupyter={"source_hidden": true} tags=["solution"]
# @title Solution 3
patients = len(set(held.groups))
print(
    f"{patients} patients: p is at least 1 / ({patients} + 1) = {smallest_alpha(patients):.3f}, so alpha cannot be less"
)
smooth_class = "plain" if "plain" in classes else classes[-1]
bars = {"promised": {}, "mpox kept, deep": {}, f"{smooth_class} called mpox-like, SSIM": {}}
for level in (0.1, 0.2, 0.5):
    deep_rule = fit_calibration(held_scores.similarity, held.groups, alpha=level, method="split")
    ssim_rule = fit_calibration(held_scores.ssim, held.groups, alpha=level, method="split")
    kept = (p_value(deep_by_class["mpox"], deep_rule) > level).mean()
    alarms = (p_value(by_class[smooth_class], ssim_rule) > level).mean()
    for entry, value in zip(bars.values(), (1 - level, kept, alarms), strict=True):
        entry[f"alpha {level}"] = float(value)
lesson.show(
    bars_figure(bars, lesson.path("solution_3"), xlabel="share"), "sensitivity promised and found, and false alarms"
)

# %% [markdown]
# **4. The watermark.** You may not know which pictures are marked. Cover the lower right fifth of *every* picture with
# the mean colour of its picture and repeat the experiment of part 9 with `patchcore`. Is it honest now?

# %%
# Your turn.


# %% cellView="form" jupyter={"source_hidden": true} tags=["solution"]
# @title Solution 4
def covered(pixels):
    """Pictures whose lower right corner is one colour."""
    result, side = pixels.copy(), SIZE // 5 + 1
    result[:, -side:, -side:] = pixels.mean(axis=(1, 2), keepdims=True)
    return result


bars = {"marked corner": {}, "covered corner": {}}
for title, (positive, negative) in experiments.items():
    bars["marked corner"][title] = auroc(judged(victim, positive), judged(victim, negative))
    bars["covered corner"][title] = auroc(judged(victim, covered(positive)), judged(victim, covered(negative)))
figure = bars_figure(bars, lesson.path("solution_4"), xlabel=f"AUROC of mpox against {hardest}, patchcore", line=0.5)
lesson.show(figure, "AUROC with the watermark, and with the corner of every picture covered")

# %% [markdown]
# ## Glossary
#
# | word | meaning |
# |---|---|
# | alpha | share of mpox that a rule may lose; sensitivity is 1 - alpha |
# | anomaly | what is not of the one class that was learnt |
# | AUROC | probability that a picture of mpox has a higher score than one of another class |
# | bootstrap | drawing patients anew, with repetition, to see how far a figure would move |
# | bundle | folder with the TFLite model and all that an app must know |
# | calibration | what turns a similarity into a p-value: a table of held-out patients |
# | conformal | a rule whose share of errors on the learnt class is bounded, whatever the measure is |
# | discriminator, generator | the two networks of a GAN: one judges, one paints |
# | features | what a network makes of a picture: numbers for edges, textures, shapes |
# | group | pictures that belong together, such as those of one patient |
# | head | the last small stage, from features to one number |
# | inpainting | painting what is missing from what is left |
# | int8, quantized | numbers of 8 bits in place of floats of 32 |
# | mask, mask set | what is hidden; masks that together hide each pixel once |
# | one-class | learnt from one class only |
# | p-value | share of held-out mpox patients that look as little like mpox as this picture, or less |
# | sensitivity | share of mpox that is called mpox-like |
# | self-made negatives | pictures of mpox, changed so that they show it no longer |
# | shortcut | something that tells classes apart and is not the disease |
# | SSIM | structural similarity of two pictures, 1 where they are equal |
# | threshold | similarity from which on a picture is called mpox-like |

# %% [markdown]
# The last cell adds up what you have made. It fails if a part was left out.

# %%
minutes = lesson.finish()
