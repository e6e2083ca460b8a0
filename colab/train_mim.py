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
# You will teach a network what one skin disease looks like, mpox (a viral infection with a rash, formerly called
# monkeypox), and no other, and then ask it how much a new picture looks like what it has seen. At the end you hold a
# model that a phone can run. You need some Keras and no knowledge of GANs.
#
# The idea fits into three words. **Mask**: hide parts of a picture. **Inpaint**: let a network that has only ever
# seen mpox paint them again. **Measure**: compare. What could not be painted is perhaps not mpox. Perhaps: half of
# this notebook is about how that idea goes wrong, and what can be done.
#
# *Every picture shown here is drawn by a program, unless you bring your own: there is no photograph and no patient in
# it. Two cells quote numbers that were measured on photographs, and say so. This is research software, not a
# diagnosis.*
#
# Run the cells one after another, or all at once (in Colab: Runtime, Run all). The first cell installs the package (you
# need not read it), and the second says how long each part takes.

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
    package = ["--editable", f"{checkout}[train]"] if checkout else [f"mim-tf[train] @ git+{ADDRESS}"]
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *package], check=True)
    site.addsitedir(sysconfig.get_path("purelib"))  # finds an editable package without a restart
    importlib.invalidate_caches()
print("mim-tf is installed", "from this checkout" if checkout else "")

# %% [markdown]
# The switches below have forms in Colab. `DRIVE` keeps the trained models in your Google Drive: if Colab disconnects,
# run all cells again, and the training goes on where it stopped. Tick it before the first run; Colab asks for
# permission each time, a training takes up to 1 GB there, and without it a disconnect loses everything. `DATA` is for
# a folder of your own (part 2). `QUICK` makes everything small, to see it run; the pictures are then poor.
# `SOLUTIONS` runs those of the exercises: untick it if you want to think first.
#
# A GPU helps the training (Colab: Runtime, Change runtime type), and nothing needs one.

# %%
import logging
import os

from mim_export.score.errors import quiet_stderr
from mim_tf.tutorial import colab

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # TensorFlow is talkative
with quiet_stderr():
    from mim_tf.tutorial.notebook import (
        Lesson,
        LiveTraining,
        machine,
        show_source,
    )
logging.getLogger("tensorflow").setLevel("ERROR")
print(machine())

# %%
DRIVE = False  # @param {type:"boolean"}
DATA = ""  # @param {type:"string"}
QUICK = False  # @param {type:"boolean"}
SOLUTIONS = True  # @param {type:"boolean"}
FAST = QUICK or os.environ.get("FAST") == "1"
# Minutes of each part, measured on two cores of an AMD EPYC without a GPU; slower cores take longer.
MINUTES = {"1 anomaly": 0.1, "2 data": 0.3, "3 masks": 0.1, "4 the GAN": 8, "5 measure": 0.2, "6 blank walls": 0.1}
MINUTES |= {"7 threshold": 0.2, "8 ProxyAno": 1.5, "9 shortcuts": 0.6, "10 export": 0.6, "11 your photo": 0.1}
MINUTES |= {"12 download": 0.1} | ({"13 exercises": 0.2} if SOLUTIONS else {})
KIND = ("fast" if FAST else "full") + (f"-{Path(DATA).name}" if DATA else "")
WORK = colab.work_folder(f"mim-work/{KIND}", drive=DRIVE)  # what you make
SIZE, CELL = 128, 4  # sides in pixels of a picture, and of a hidden square
STEPS, VIEWS = (300, 1) if FAST else (3000, 2)  # of the training; copies of each picture for the head (part 6)
lesson = Lesson(WORK / "pictures", MINUTES)
print(f"about {4 if FAST else sum(MINUTES.values()):.0f} minutes on two cores; of each part:")
print("", "less" if FAST else "\n ".join(f"{part:15} {minutes:4.1f}" for part, minutes in MINUTES.items()))

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

from mim_tf.synthetic.dataset import render
from mim_tf.tutorial.pictures import grid_figure

lesson.begin("1 anomaly")
answers = ["mpox", "scales", "no_skin", "mpox", "wheals", "macules", "mpox", "plain"]
known = render("mpox", range(0, 16, 2))
new = np.concatenate([render(name, [900 + place]) for place, name in enumerate(answers)])
figure = grid_figure({"seen": known, "new": new}, lesson.path("riddle"), captions={"new": list("ABCDEFGH")})
lesson.show(figure, "eight pictures of one class, and eight new ones that may or may not be of it")

# %% [markdown]
# You judged without one example of anything else. Now the answers. Easy for you: rings are not stripes. All the same,
# these classes differ from mpox in what is *drawn* and not in colour or sharpness, and you will see that the published
# measure cannot tell them apart.

# %%
figure = grid_figure({"new": new}, lesson.path("answers"), captions={"new": answers})
lesson.show(figure, "the same eight pictures with the names of their classes")

# %% [markdown]
# ## 2 · What are the data, and what may they not tell?
#
# The pictures come from `mim_tf.synthetic`, a program that paints skin and puts marks on it. Five classes show skin,
# each named by its marks: `mpox` (domes with a dimple), `macules` (flat blotches), `scales` (flaky patches), `wheals`
# (smooth swellings, as of nettles), `plain` (none); `no_skin` shows walls, cloth, writing, sky. The set is made so
# that neither colour nor roughness tells mpox from macules, scales and wheals; plain skin is smoother than all of
# them. Remember that.
#
# Three **splits** have three purposes: the network learns from `train`, a threshold is set by `val`, and the numbers
# that count are measured on `test`. And each picture belongs to a **group**, here a (synthetic) patient: two pictures
# of one patient are alike, so a patient must lie in one split only, or the test would be an exam with known
# questions.

# %%
from collections import Counter

from mim_tf.data.folder import load_photos, scan_folder
from mim_tf.data.splits import class_names, select
from mim_tf.synthetic import dataset

lesson.begin("2 data")
home = Path(DATA) if DATA else WORK / "sample"  # where the pictures are
if not DATA and not home.exists():
    few = {"train": {"mpox": 32}, "val": {"mpox": 40}, "test": dict.fromkeys(dataset.CLASSES, 16)}
    dataset.write_sample(home, counts=few if FAST else dataset.COUNTS)
photos = scan_folder(home)
for (split, name), count in sorted(Counter((photo.split, photo.label) for photo in photos).items()):
    groups = {photo.group for photo in photos if (photo.split, photo.label) == (split, name)}
    print(f"{split:6} {name:10} {count:4} pictures of {len(groups)} patients")
classes = ["mpox", *(name for name in class_names(photos, "test") if name != "mpox")]
print("classes in test:", ", ".join(classes))
missing = [split for split in ("train", "val", "test") if not select(photos, split, "mpox")]
assert not missing and len(classes) > 1, f"no mpox in {missing}, or no other class in test: name a folder with both"


def pictures(split, name, most=1000):
    """Up to so many pictures of a class, uint8 (N, 128, 128, 3)."""
    return load_photos(select(photos, split, name)[:most], SIZE, warn=print, what=f"{split}/{name}").pixels


# %% [markdown]
# ### Your own photographs
#
# Put them into `DIR/mpox/` (exactly that name) and `DIR/<another class>/`, write `DIR` into `DATA` above, and run the
# notebook from the top. In Colab, `DIR` is a folder such as `/content/skin` (the file browser on the left uploads to
# `/content`) or, with `DRIVE`, `/content/drive/MyDrive/skin`; at home, any folder. A seventh of the patients goes to
# `val`. For alpha 0.05 (part 7) that has to be 19 of them, so about 125 in all, or a folder `DIR/val/mpox/` of your
# own. With fewer the library trains four times, and alpha grows.
#
# The best known collection is the **Monkeypox Skin Lesion Dataset** (MSLD), which you find on
# [Kaggle](https://www.kaggle.com/datasets/nafin59/monkeypox-skin-lesion-dataset) under an account of your own. Before
# you take it, know what it is:
#
# * Its authors collected the pictures from news sites and case reports. They publish it for research, but cannot give
#   away the rights of photographers and patients. Read the terms on its page; do not publish a picture of it, and do
#   not upload faces to a machine that is not yours, Colab included: run the notebook at home (`pip install
#   jupyterlab`).
# * It has 228 photographs. The folder of augmented images holds about 14 altered copies of each: take `Original
#   Images` alone, or copies of one photograph land in `train` and in `test`.
# * Its second class mixes chickenpox and measles; nobody confirmed the labels of this version in a clinic.
#
# Its file names tell the patient: `M01_02.jpg` is picture 2 of patient 1. Where all files are named so, the next cell
# writes that down for the library, in `MANIFEST.csv` in your folder. Other names tell
# nothing, and each picture counts as a patient of its own. Without `DATA` the cell does nothing.

# %%
import csv
import re

if DATA and not (home / "MANIFEST.csv").exists():
    named = [photo.path for photo in photos if re.fullmatch(r"N?M\d+_\d+", photo.path.stem)]
    if len(named) == len(photos):
        rows = [(file.relative_to(home).as_posix(), file.stem.rpartition("_")[0]) for file in named]
        with (home / "MANIFEST.csv").open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([("file", "group"), *rows])
        photos = scan_folder(home)
        print(len({photo.group for photo in photos}), "patients by the names of the files; the splits are made anew")
    else:
        print("no MANIFEST.csv, and names that tell no patient: each picture counts as one")

# %% [markdown]
# ### Is the same photograph in two splits?
#
# Names do not show it: somebody saved it again, smaller, mirrored. So the library compares what pictures *show*, by
# fingerprints of 256 bits that hardly change with size or compression. Let us plant such a copy and see whether it is
# found, then check our own folder.

# %%
from PIL import Image

from mim_tf.data.duplicates import SIDE, warn_of_duplicates

leaky = WORK / "leaky"
first, second = pictures("train", "mpox", 2)
for name, pixels in (("train/mpox/a.png", first), ("train/mpox/b.png", second), ("test/mpox/c.jpg", first[:, ::-1])):
    (leaky / name).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(leaky / name)
for title, listed in (("planted", scan_folder(leaky)), ("our folder", photos)):
    print(f"{title}:")
    warn_of_duplicates([load_photos(listed, SIDE, warn=print, what=title)], print)

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
# ("cells") of 4 pixels. One mask hides a quarter of the picture; in the code 1 means *kept* and 0 hidden. The network
# sees the rest and must guess. It paints at 64 x 64 px, since that is quick; the pictures have 128, which part 6
# needs.
#
# Four masks together, a **mask set**, hide every pixel exactly once. So each pixel of the picture gets predicted
# by a network that did not see it. That is the trick: what is predicted has not been copied.

# %%
from mim_export.score.preprocess import mask_set, resample

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
# In training the masks are random, with cells of several sizes, and hide a half, a third or a quarter: so the network
# does not specialise on one pattern, and learns small holes and large ones.

# %%
import tensorflow as tf

from mim_tf.data.masks import random_masks
from mim_tf.models.mim import MIM, MIMConfig

config = MIMConfig(size=SIZE // 2, cell=CELL)
drawn = random_masks(tf.constant([0, 1]), 6, config.size, config.train_cells, config.train_counts).numpy()
lesson.show(grid_figure({"": photo * drawn}, lesson.path("random")), "one picture under six random masks")

# %% [markdown]
# ## 4 · How do two networks teach each other to paint?
#
# A **GAN** (generative adversarial network) is a game of two networks. The **generator** paints the hidden pixels.
# The **discriminator** sees a picture and says whether it is real or has been painted on. The generator wins when the
# discriminator cannot tell; so it should not get away with mush, which would be right on average and looks false.
# (That is the idea. You will see how far it carries.)
#
# The generator here is a **U-Net**: convolutions shrink the picture step by step, so that each value sees more of it,
# then it grows back; at each size but the full one the shrinking half hands its details over to the growing half. Its
# input has four channels: the picture with holes, and the mask. Its output is a picture. The next cell prints the
# shapes, height x width x channels, from layer to layer.
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
from mim_tf.training.config import Training

detector = Detector("mim", size=SIZE, views=VIEWS, cell=CELL)
shown = np.stack([resample(picture, config.size) for picture in pictures("train", "mpox", 24)[::4]]) / np.float32(255)
detector.model.inpainting.preview(untrained, tf.constant(shown), lesson.path("untrained"))
lesson.show(lesson.path("untrained"), "six pictures, masked, and the grey that an untrained generator paints")

# %% [markdown]
# ### One step of the training, line by line
#
# In `Model.fit` Keras calls `train_step` once for each batch; our loop (`mim_tf/training/loop.py`) does the same and
# keeps checkpoints. With two networks and two optimizers (both Adam) we write that step ourselves. The code below is
# not a copy: it is read from the library while you look at it, from `mim_tf/models/mim.py`.
#
# **First, masks.**
# * `key` is the seed of the random numbers of this step. The number of the step is part of it, so a training that was
#   stopped draws the same masks when it goes on.
# * `mask` is 1 where a pixel is kept and 0 where it is hidden, another one for each picture of the batch.

# %%
show_source(MIM.train_step, "key = tf.stack", "mask = random_masks")

# %% [markdown]
# **Second, the generator paints.**
# * Inside a `GradientTape` TensorFlow writes down what is computed, to find the gradient afterwards.
# * `masked_input` blackens the hidden pixels and adds the mask as fourth channel; `output` is a whole picture.
# * `composed` is the original where it was kept, and the painting where it was hidden.

# %%
show_source(MIM.train_step, "with tf.GradientTape() as g_tape", "composed = mask")

# %% [markdown]
# **Third, the discriminator learns.**
# * `stop_recording`: the tape of the generator pauses, for it is not the generator's turn.
# * Real and composed pictures go through the discriminator in one batch; `split` takes the judgements apart.
# * `discriminator_loss` is 0 if every real picture is judged above +1 and every composed one below -1. What is beyond
#   these counts no further: that is the **hinge loss**.
# * Its own optimizer, `d_optimizer`, changes the weights of the discriminator, and no others.

# %%
from mim_tf.models.losses import discriminator_loss, generator_losses

show_source(MIM.train_step, "with g_tape.stop_recording", "d_loss =")
show_source(MIM._train_discriminator, "with tf.GradientTape", "return loss")
show_source(discriminator_loss, "return", "return")

# %% [markdown]
# **Fourth, how well did the generator paint?**
# * `judgement`: what the discriminator, which has just improved, says of the composed pictures.
# * `losses` are four: the error at hidden pixels, that at kept ones, one minus the similarity SSIM (see part 5), and
#   the **adversarial loss**, minus the judgement: it is low where the discriminator was deceived.
# * `weights` say how loud each is, printed below. The adversarial one is quiet: otherwise the two would play their own
#   game and forget the pictures. `g_loss` is the sum.

# %%
show_source(MIM.train_step, "judgement = ", "g_loss = ")
show_source(generator_losses, "return {", "}")
print(config.losses)

# %% [markdown]
# **Last, the generator learns.**
# * `gradients` of that sum, for the weights of the generator alone; `g_optimizer` changes them.
# * `update_average`: games swing to and fro, so a second generator follows, whose weights are a **moving average** of
#   the first one's. It is the one that we use afterwards.

# %%
show_source(MIM.train_step, "gradients = g_tape", "update_average")

# %% [markdown]
# ### Watch it learn
#
# Now the same step, thousands of times, on the class mpox of `train` and nothing else. Below appear the losses and,
# as the training goes on, pictures like the one above. What to look at: first comes the colour of skin, then shading,
# then red where a mark reaches into a hole, at last something like a mark. Of the two players read the discriminator:
# at 2 it answers 0 to everything, at 0 it is never fooled. A game that stays near 2 is undecided, as it should be.
#
# `fit` does more than the GAN: at its end it looks at changed copies of each picture for a second measure (part 6; the
# line says `head`) and sets a threshold (part 7). If the machine stops, run the cell again; it continues from the last
# checkpoint in the run folder.

# %%
run = WORK / f"run_{SIZE}px_{STEPS}steps"
watched = LiveTraining(run, lesson.path("losses"))
detector.fit_folder(photos, run, training=Training(steps=STEPS), warn=print, progress=watched)
gan = detector.model.inpainting  # the trained one
print("a run folder holds:", ", ".join(sorted(path.name for path in run.iterdir())))
lesson.show(lesson.path("losses"), "losses of the training, step by step")

# %% [markdown]
# An early and the last preview beside each other. Every pixel in the third column was painted while it was hidden. The
# network continues what the neighbours of a hole tell it. What they do not tell, the fine ring and its highlight, comes
# out as a smear, and there the error is bright: *on mpox itself*, which is all that this network knows. Remember that.
#
# And the discriminator, which was to forbid smears? Multiply: its weight in the sum (0.05, printed above) times its
# loss is about a hundredth of the generator's loss. Louder, it helps the look and harms the likeness; that is a
# choice.

# %%
from mim_tf.tutorial.pictures import beside_figure

previews = sorted((run / "final" / "previews").glob("*.png"))
steps = {f"step {int(path.stem.removeprefix('step'))}": path for path in (previews[0], previews[-1])}
lesson.show(beside_figure(steps, lesson.path("progress")), "previews of an early step and of the last one")

# %% [markdown]
# ## 5 · How well was it painted?
#
# We need one number for "how alike are these two pictures". The mean difference of pixels is a poor one: it calls a
# slightly darker copy worse than a blurred one (the next picture has both numbers). **SSIM** (structural similarity)
# looks through a small window and compares three things there: mean brightness, contrast, and whether the patterns
# rise and fall together. It is 1 for equal windows and near 0 for unrelated ones. The measure that was published with
# this method is the mean SSIM of the picture and its inpainting. Look which damage SSIM forgives.

# %%
from scipy.ndimage import gaussian_filter

from mim_tf.measures.ssim import ssim

lesson.begin("5 measure")
noise = np.random.default_rng(0).normal(0, 0.05, photo.shape)
damaged = {"itself": photo, "darker": photo * 0.85, "blurred": gaussian_filter(photo, (2, 2, 0))}
damaged |= {"noisy": photo + noise, "mirrored": photo[:, ::-1], "turned": np.rot90(photo)}
damaged = {name: np.clip(image, 0, 1).astype(np.float32) for name, image in damaged.items()}
values = {name: float(ssim(damaged["itself"][None], image[None])[0]) for name, image in damaged.items()}
errors = {name: np.abs(damaged["itself"] - image).mean() for name, image in damaged.items()}
captions = [f"{name}\nSSIM {values[name]:.2f}\nerror {errors[name]:.3f}" for name in damaged]
figure = grid_figure({"": list(damaged.values())}, lesson.path("ssim"), captions={"": captions})
lesson.show(figure, "one picture, damaged in five ways, with SSIM and mean difference to the original")

# %% [markdown]
# Now the pictures of `test`, which the network has never seen, each with its inpainting and a map of SSIM: yellow where
# the painting is right, blue where it is not. The picture of each class is the one in the middle of the ranking,
# neither the best nor the worst. Where does the network fail, at marks of another disease, or at marks?

# %%
from mim_tf.evaluation.report import write_report
from mim_tf.measures.deep import halved
from mim_tf.tutorial.pictures import similarity_map_figure

evaluation = write_report(detector, photos, "test", WORK / "evaluation", 0, print)  # 0: seed of the bootstrap
# A judgement holds arrays with a value a picture: similarity, p_value, verdict, reason, ssim.
by_class = {name: evaluation.scores[name].judgement.ssim for name in classes}
# What the GAN sees: pictures of half the side, float32 in [0, 1].
small = {name: halved(tf.constant(evaluation.scores[name].photos.pixels, tf.float32)) / 255 for name in classes}
columns = {}
for name, similarity in by_class.items():
    middle = int(np.argsort(similarity)[len(similarity) // 2])
    original = small[name][middle : middle + 1]
    columns[f"{name} {similarity[middle]:.2f}"] = (original[0], gan.reconstruct(gan.keras_model, original)[0])
figure = similarity_map_figure(columns, lesson.path("maps"))
lesson.show(figure, "a picture of each class, its inpainting, and the map of their similarity")

# %% [markdown]
# One number for each picture, a histogram for each class. If the method worked as its idea says, mpox would stand on
# the right and all other classes to its left. Which classes stand to the *right* of mpox?

# %%
from mim_tf.tutorial.pictures import histogram_figure

figure = histogram_figure({"SSIM of picture and inpainting": by_class}, lesson.path("ssim_classes"))
lesson.show(figure, "histograms of SSIM for each class; mpox is outlined in every row")
for name, similarity in by_class.items():
    print(f"{name:10} mean SSIM {similarity.mean():.3f}, standard deviation {similarity.std():.3f}")

# %% [markdown]
# ### From histograms to one figure: ROC and AUROC
#
# Put a **threshold** somewhere: what lies above is called `mpox-like`. Some mpox is above (good), some of the other
# class too (bad). Move the threshold from right to left and draw both shares, the good one upwards, the bad one to
# the right: that is the **ROC curve**. The area under it, **AUROC**, has a simple meaning: take one mpox picture and
# one other at random; AUROC is the probability that mpox has the higher number. 1 is perfect, 0.5 is a coin, and
# below 0.5 the other class looks more like mpox than mpox.

# %%
from mim_tf.evaluation.evaluate import by_ssim
from mim_tf.evaluation.metrics import auroc

name = classes[1]
pairs = by_class["mpox"][:, None] > by_class[name][None, :]
print(f"{pairs.size} pairs of mpox and {name}; mpox is higher in {pairs.sum()} of them: {pairs.mean():.3f}")
print(f"AUROC by the library: {auroc(by_class['mpox'], by_class[name]):.3f}")

# %% [markdown]
# A figure from a few dozen pictures is uncertain. The **95 % interval** in brackets says how far it would move if we
# had met other patients: the library draws patients anew, with repetition, 2000 times (a **bootstrap**), and keeps the
# middle 95 %. It draws patients, not pictures, since pictures of one patient are no independent witnesses.

# %%
from mim_tf.evaluation.plots import roc_figure

published = by_ssim(evaluation)
lesson.show(roc_figure(published, "SSIM, split test", lesson.path("roc")), "ROC curves of mpox against each class")
for name, entry in published.metrics["classes"].items():
    print(f"{name:10} AUROC {entry['auroc']:.2f} [{entry['ci_low']:.2f}, {entry['ci_high']:.2f}]")

# %% [markdown]
# ## 6 · Why does a blank wall look like mpox?
#
# Let us ask the network about something that no doctor would confuse with a disease: walls. Sixteen plain surfaces, of
# any colour, of the colours of skin, and grey with a little shading. The same question: how well were they painted?

# %%
from mim_tf.evaluation.controls import blank

lesson.begin("6 blank walls")
walls = blank(16, SIZE, np.random.default_rng(0))
lesson.show(grid_figure({"": walls[:8], " ": walls[8:]}, lesson.path("walls")), "sixteen plain surfaces")
wall_scores = detector.judge(walls)
print(f"mean SSIM: mpox {by_class['mpox'].mean():.3f}, walls {wall_scores.ssim.mean():.3f}")
print(f"AUROC of mpox against walls by SSIM: {auroc(by_class['mpox'], wall_scores.ssim):.2f}")

# %% [markdown]
# Read that again: by the published measure most walls are *more like mpox than mpox is*. To see why, rank all
# pictures of `test` and the walls by SSIM. Which eight come out on top, which at the bottom?

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
# The top is smooth, the bottom is full of detail. A smooth picture is easy to paint whatever it shows, unless its
# colour is one that the network has never met; a detailed one is hard even if it is the very disease that was learnt.
# So measure smoothness itself (minus the mean change from pixel to pixel: 0 is one colour) and draw it against SSIM.
# **Rank correlation** is 1 where two orders are the same, -1 where they are opposite, 0 where they have nothing to do
# with each other.

# %%
from mim_tf.evaluation.image_properties import smoothness
from mim_tf.evaluation.shortcuts import spearman
from mim_tf.tutorial.pictures import scatter_figure

smooth = {name: smoothness(evaluation.scores[name].photos.pixels) for name in classes}
skin = [name for name in classes if name not in ("no_skin", "abnormal")]
followed = spearman(np.concatenate([smooth[n] for n in skin]), np.concatenate([by_class[n] for n in skin]))
points = {name: (smooth[name], by_class[name]) for name in classes} | {"walls": (smoothness(walls), wall_scores.ssim)}
everywhere = spearman(*(np.concatenate([values[i] for values in points.values()]) for i in range(2)))
title = f"rank correlation {followed:.2f} over classes of skin, {everywhere:.2f} over all"
figure = scatter_figure(points, lesson.path("smoothness"), labels=("smoothness", "SSIM"), title=title)
lesson.show(figure, "SSIM of each picture against its smoothness")

# %% [markdown]
# That is the **smoothness trap**. Does the GAN at least beat something that has learnt nothing? A `blur` fills each
# hole, of the same masks, with the mean colour of its surroundings: no network, no training. In which classes is the
# GAN's bar clearly longer, and do these show skin?

# %%
from mim_tf.detectors.blur import blur_inpaint
from mim_tf.tutorial.pictures import bars_figure

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
# The picture answers: on skin the GAN's bars are no longer, some are shorter. The ruler is at fault, and a better
# painter would not help: a perfect one paints mpox *and* walls perfectly, and then all numbers are 1. The question has
# to change from "how *much* could not be painted?" to "*what* could not be painted?" The measure `deep` of this library
# asks that in three steps:
#
# 1. **Features.** A network that was trained on everyday pictures (EfficientNet-Lite0) turns the picture into a grid of
#    numbers that stand for edges, textures, shapes. It is **frozen**: we do not train it.
# 2. **Where.** Each place of the grid counts as much as the inpainting is wrong there.
# 3. **What.** A small regression, the **head**, learns which features speak for mpox. For that it needs examples of
#    what is *not* mpox. We have none, so we *make* them: the mpox pictures themselves with their marks healed,
#    painted over, turned inside out, stretched or shuffled. They are **self-made negatives**. From what the
#    regression says the head subtracts how far the features lie from all mpox that it has seen, and more if they are
#    very **foreign**; so its numbers run from about 2 down to -35.
#
# No picture of another disease is needed, but some knowledge of them went in: two kinds of negatives below imitate flat
# marks, so do not be surprised by the class `macules`.

# %%
from mim_tf.negatives.kinds import NEGATIVES, take_apart

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

from mim_export.score.manifest import RELEASED

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
# those of a blur, or nothing at all, made no difference that could be measured ([how it was
# found](https://github.com/mim-tf/mim-tf/blob/main/docs/detection.md)). You have built the published method, seen
# where it fails, and tested which part of the repair works; that a part adds nothing is a result too. The inpainting
# remains as a picture of where detail was hard to foresee.

# %% [markdown]
# ## 7 · What does "95 % sensitivity" promise?
#
# A phone must say something, not draw a curve. So: from which similarity on do we say `mpox-like`? The pictures of
# `val` help, mpox that nothing was fitted on. The **p-value** of a new picture is its rank among them: the share of
# held-out patients with mpox who look as *little* like mpox as this picture, or less. The new picture counts as one
# of the crowd: with p = 0.10 one in ten looks as odd as it or odder, itself included, and with 20 patients p is never
# below 1/21.
#
# We say `not-mpox-like` where p is at most **alpha** = 0.05. Then about 5 % of mpox gets lost (ill people who are
# told `not-mpox-like`), and 95 % is kept: the **sensitivity**. Why may we trust that? If the new patient and those of
# the table come from the same crowd (they are **exchangeable**), each rank is equally likely, and 5 % of mpox has a
# rank among the lowest 5 %. A rule by such ranks is called **conformal**.

# %%
from mim_export.score.decide import REASONS, VERDICTS

lesson.begin("7 threshold")
table = detector.calibration
print(f"{table.groups} patients in the table, threshold {table.threshold:.2f} at alpha {table.alpha}")
print(table.guarantee)
for name in classes:
    similarity, p, verdict, reason, _ = (values[0] for values in evaluation.scores[name].judgement)
    print(f"one of {name:10} similarity {similarity:7.2f}  p {p:.3f}  {VERDICTS[verdict]}  {REASONS[reason] or ''}")

# %% [markdown]
# The third verdict, `cannot-judge`, is for pictures that are blank, blurred or far from all that the network knows (its
# *gate*). How often does each class get each verdict?

# %%
shares = {word: {} for word in VERDICTS}
for name in classes:
    told = evaluation.scores[name].judgement.verdict
    for code, word in enumerate(VERDICTS):
        shares[word][name] = float((told == code).mean())
figure = bars_figure(shares, lesson.path("verdicts"), xlabel="share of the class that gets the verdict")
lesson.show(figure, "share of each class that gets each of the three verdicts")

# %% [markdown]
# The promise is about `not-mpox-like` only; a picture of mpox that is refused is not counted in it.
#
# What does the threshold alone do, and what would it do on SSIM? Of the other classes nothing was promised.

# %%
from mim_export.score.decide import p_value, smallest_alpha
from mim_tf.calibration import fit_calibration

held = load_photos(select(photos, "val", "mpox"), SIZE, warn=print, what="val/mpox")
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
# Look at the bars of mpox first: both rules keep at least about what was promised. **The promise holds for any
# measure, even for a useless one.** Then look at the others: by SSIM nearly everything is mpox-like. Sensitivity says
# nothing about false alarms. On photographs the measure `deep` has many of them as well; the model in the library:

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
# patients. Let us draw many new patients, choose some of them for the table, and see which share of the rest is kept;
# and again, 500 times. Then the same with four times as many.

# %%
rng = np.random.default_rng(0)
fresh = deep_by_class["mpox"]  # of your own data: those of test, a picture a patient
if DATA:
    fresh = fresh[np.unique(evaluation.scores["mpox"].photos.groups, return_index=True)[1]]
else:
    fresh = detector.score_samples(render("mpox", range(10_000, 10_240 if FAST else 10_400, 2)))
kept, promised = {}, {}
for count in (20, 80) if len(fresh) > 90 else (max(2, len(fresh) // 2),):
    level, title = max(0.05, smallest_alpha(count)), f"share of mpox kept, 500 tables of {count} patients"
    promised[title] = 1 - level
    for _ in range(500):
        order = rng.permutation(len(fresh))
        rule = fit_calibration(fresh[order[:count]], np.arange(count).astype(str), alpha=level, method="split")
        share = float((p_value(fresh[order[count:]], rule) > level).mean())
        kept.setdefault(title, []).append(share)
panels = {title: {"mpox": np.array(values)} for title, values in kept.items()}
figure = histogram_figure(panels, lesson.path("promise"), xlabel="sensitivity", thresholds=promised)
lesson.show(figure, "histograms of the sensitivity over 500 calibration sets, of few and of many patients")
for title, values in kept.items():
    print(f"{title}: mean {np.mean(values):.3f}; one in twenty keeps less than {np.quantile(values, 0.05):.3f}")

# %% [markdown]
# The mean keeps the promise. A single table may be a good deal below, and you cannot see from inside which one you
# have; with more patients it lies nearer. And all of it assumes that new pictures come from the same
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


levels = [level for level in (0.05, 0.2) if level >= smallest_alpha(len(set(held.groups)))]
colab.slider("alpha", levels, draw_threshold, live=colab.in_colab() and not FAST)

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
from mim_tf.negatives.proxies import proxies

lesson.begin("8 ProxyAno")
bridge = Detector("proxyano", size=SIZE // 2)
bridge_run = WORK / f"proxyano_{STEPS // 3}steps"
watched = LiveTraining(bridge_run, lesson.path("proxyano_losses"))
bridge.fit_folder(photos, bridge_run, training=Training(steps=STEPS // 3), warn=print, progress=watched)
columns = bridge.model.columns(bridge.model.keras_model, tf.constant(shown))
true = proxies("superpixel", np.uint8(shown * 255)) / 255
rows = {"original": shown, "superpixels": true, **{name: np.asarray(images) for name, images in columns.items()}}
figure = grid_figure(rows, lesson.path("proxies"))
lesson.show(figure, "six pictures, their superpixels, the proxy that ProxyAno predicts, and what it rebuilds from that")

# %% [markdown]
# The second row has lost the texture; the third is what a network predicts of it (a phone could not cut superpixels),
# and the last tries to bring the texture back. In a short training it does not get far. Before you look at the bars:
# does ProxyAno escape the smoothness trap? Ask yourself which pictures lose little when they are simplified.

# %%
rebuilt = {name: ssim(images, bridge.model.keras_model(images)).numpy() for name, images in small.items()}
methods = {"GAN, SSIM": aurocs(by_class), "ProxyAno, SSIM": aurocs(rebuilt), "GAN, deep": aurocs(deep_by_class)}
figure = bars_figure(methods, lesson.path("methods"), xlabel="AUROC of mpox against ... (0.5 = a coin)", line=0.5)
lesson.show(figure, "AUROC of the GAN and of ProxyAno by the same measure, and of the GAN by the measure deep")

# %% [markdown]
# Everything here that *rebuilds* pictures and is measured by SSIM falls into the same trap: the ruler matters more than
# the painter.
#
# ## 9 · How does an AUROC lie?
#
# Suppose that one class comes from one web site, and the site prints its name into the corner. A detector that finds
# the *watermark* then tells the classes apart, and its AUROC is splendid until the first picture from elsewhere. That
# is a **shortcut**. We plant one, on the class that is hardest for our victim: the method `patchcore`, which compares
# the features of each patch of a picture with those of all patches of the training pictures and lets the oddest patch
# decide. No detector here has seen a watermark in training; it need not, for the watermark is simply odd.

# %%
from mim_tf.evaluation.controls import corner_marked

lesson.begin("9 shortcuts")
victim = Detector("patchcore", size=SIZE // 2)
victim.fit_folder(photos, WORK / "patchcore", warn=print)
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
# Three experiments with the same trained detectors: no watermark; one on every picture of the other class; one on every
# picture of mpox. No disease changed. An honest detector would draw three equal bars.

# %%
judges = {"patchcore": (victim, "similarity"), "GAN, SSIM": (detector, "ssim"), "GAN, deep": (detector, "similarity")}
experiments = {
    "no watermark": (plain_pictures["mpox"], plain_pictures[hardest]),
    f"watermark on {hardest}": (plain_pictures["mpox"], marked[hardest]),
    "watermark on mpox": (marked["mpox"], plain_pictures[hardest]),
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
# show no skin (yellow), and of mpox against *itself*, altered (pink: 0.5 would mean that the score does not move). So
# our own measure moves with a watermark too, and its bars above hardly moved only because it had room.
#
# ## 10 · How does it get into a phone?
#
# Phones do not run Keras. **TFLite** is a file format for small devices: one file with the network, the measure, the
# table of p-values and the verdict, so that an app can get nothing wrong but decoding, turning and resizing the
# picture. To be small and fast, networks are **quantized**: a number becomes a whole number of 8 bits (int8), not a
# float of 32 bits. Here that is done to the generator; the frozen network of the measure `deep` stays in float32, or
# machines that round differently would disagree. What it costs has to be measured, image by image.

# %%
from mim_export.bundle.export import export_run

lesson.begin("10 export")
bundle = WORK / f"bundle_{run.name}"
if not bundle.exists():
    with quiet_stderr():
        drawn = "Pictures drawn by a program: no photograph, no patient."
        export_run(run, bundle, None, None if DATA else drawn, print)
manifest = json.loads((bundle / "manifest.json").read_text())
for name, about in manifest["models"].items():
    kinds = Counter(tensor["dtype"] for tensor in about["tensors"].values())
    print(f"{name}: {manifest['files'][name]['bytes']:,} bytes; quantized tensors: {dict(kinds)}")
print(f"the trained generator in Keras, float32: {4 * gan.network.count_params():,} bytes of weights")
print("(mim_micro.tflite is the generator alone; mim.tflite holds it, the frozen network, the measure and the table)")

# %% [markdown]
# A folder like this is a **bundle**; its `manifest.json` says everything that an app must know, in words for programs.
# Now the same pictures through Keras and through the bundle. First what is painted (the third row is the
# difference, fifty times enlarged: black is equal).

# %%
from mim_export.score.scorer import Scorer

scorer = Scorer(bundle)
some = np.stack([plain_pictures[name][0] for name in classes])
from_keras = detector.reconstruction_steps(some)["inpainted"]
from_bundle = scorer.reconstruction_steps(some)["inpainted"]
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
from mim_export.check.verify import verify

with quiet_stderr():
    verified = verify(bundle)
for row in verified:
    status = row.status.split(":")[0]
    print(f"{row.runtime:18} {row.part:20} {status:18}", f"{row.images} pictures" if row.images else "")
print("do not ship this bundle" if any(row.bad for row in verified) else "all programs agree")

# %% [markdown]
# Last, what is said. Each point is a picture; on the diagonal both say the same. A difference matters where it moves a
# point across a dashed line, the threshold: then the phone says something else than the computer. (What lies far below
# the threshold is drawn on the edge.)

# %%
from_scorer = {name: scorer.judge(evaluation.scores[name].photos.pixels) for name in classes}
points = {name: (deep_by_class[name], from_scorer[name].similarity) for name in classes}
limits = (table.threshold, scorer.threshold)
near = {name: tuple(np.maximum(values, limits[0] - 4) for values in pair) for name, pair in points.items()}
labels = ("similarity by Keras", "similarity by the bundle")
figure = scatter_figure(near, lesson.path("both_say"), labels=labels, thresholds=limits, equal=True)
lesson.show(figure, "similarity of each picture by Keras and by the bundle")
gaps = np.concatenate([np.abs(ours - theirs) for ours, theirs in points.values()])
same = np.concatenate([evaluation.scores[name].judgement.verdict == from_scorer[name].verdict for name in classes])
print(f"similarities differ by {np.median(gaps):.3f} (median) and {gaps.max():.2f} at most")
print(f"{same.sum()} of {same.size} verdicts agree")

# %% [markdown]
# ## 11 · What does it say about a picture of yours?
#
# Choose `upload` or `camera` (Colab only). Elsewhere, and with `synthetic`, a painted picture stands in. Take a wall,
# an orange or a piece of cloth, not a rash: your model has seen a program's paintings (or a few photographs), and
# what it says about you means nothing at all. If a rash worries you, see a doctor.
#
# The bundle's promise that no image leaves the device does not hold in Colab: your picture travels to a machine of
# Google, and stays in this notebook's output and in `WORK` until you delete it. Clear both before you share the
# notebook.

# %%
PHOTO = "synthetic"  # @param ["synthetic", "upload", "camera"]
lesson.begin("11 your photo")
Image.fromarray(render("mpox", [777])[0]).resize((256, 256)).save(WORK / "synthetic.png")
path = colab.photo_of_yours(WORK, "synthetic" if FAST else PHOTO, WORK / "synthetic.png")
answer = scorer.score(path)
print(answer)

# %% [markdown]
# The library also brings a bundle that was trained on photographs. Here is what it says of the *painted* picture. It
# may answer `cannot-judge`, and that is right: it has never seen such a thing.

# %%
released = Scorer().score(WORK / "synthetic.png")
print("the released bundle:", {key: value for key, value in released.items() if key != "image"})

# %% [markdown]
# And the way there, by your own bundle. In the last picture bright is where painting failed. That is not "ill", nor
# is it "not mpox": fine detail is bright, and in mpox that is the marks themselves.

# %%
from mim_export.score.preprocess import decode

pixels = resample(decode(path), scorer.size)
outputs = scorer.run(pixels)
way = [pixels / 255, scorer.reconstruction_steps(pixels[None])["under one mask"][0], outputs["inpainted"][0] / 255]
way.append(np.clip(outputs["error_map"][0, :, :, 0], 0, 1))
captions = ["picture", "mask", "inpaint", "measure"]
title = "an exercise, no finding about anybody"
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
# three dots). Write down what you expect before you run anything; `SOLUTIONS` above says whether solutions run at all.

# %%
other = "scales" if "scales" in classes else classes[1]
if SOLUTIONS:
    lesson.begin("13 exercises")
print("the class to tell from mpox:", other)

# %% [markdown]
# **1. The mask size.** The GAN was trained with cells of 4 to 12 px. Inpaint mpox and `scales` (or another class) of
# `test` with `gan.keras_model.inpaint(small[name], mask_set(64, cell, 4))` and cells of 4, 8, 16 px. How do mean SSIM
# and AUROC change? Does a size escape the smoothness trap?

# %%
# Your turn.

# %% cellView="form" jupyter={"source_hidden": true} tags=["solution"]
# @title Solution 1
# No size escapes: the task gets easier or harder for all classes alike, and the order of the pictures stays.
if SOLUTIONS:
    bars = {"mean SSIM of mpox": {}, f"AUROC against {other}": {}}
    for cell in (4, 8, 16):
        masks = mask_set(SIZE // 2, cell, 4)
        scores = {
            name: ssim(small[name], gan.keras_model.inpaint(small[name], masks)).numpy() for name in ("mpox", other)
        }
        bars["mean SSIM of mpox"][f"{cell} px"] = float(scores["mpox"].mean())
        bars[f"AUROC against {other}"][f"{cell} px"] = auroc(scores["mpox"], scores[other])
    lesson.show(
        bars_figure(bars, lesson.path("solution_1"), xlabel="SSIM or AUROC"), "SSIM and AUROC for three cell sizes"
    )

# %% [markdown]
# **2. The measure.** Replace SSIM by minus the mean absolute error, and by `msgms_map` (`mim_tf.measures.ssim`), which
# compares how strong edges are. Which one ranks walls lower than SSIM does? Does any of them tell `scales` from mpox?
# A start: `painted = gan.reconstruct(gan.keras_model, small["mpox"])`; a map becomes a number by its mean.

# %%
# Your turn.

# %% cellView="form" jupyter={"source_hidden": true} tags=["solution"]
# @title Solution 2
# Gradients like walls less than SSIM does; but all of them ask how *much* went wrong, and none tells mpox from others.
if SOLUTIONS:
    from mim_tf.measures.ssim import msgms_map

    images = {"mpox": small["mpox"], other: small[other], "walls": halved(tf.constant(walls, tf.float32)) / 255}
    painted = {name: gan.reconstruct(gan.keras_model, originals) for name, originals in images.items()}
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
# `plain` that a rule on SSIM calls mpox-like. A start: `fit_calibration(held_scores.similarity, held.groups, alpha=0.1,
# method="split")`, then `p_value(deep_by_class["mpox"], rule)`.

# %%
# Your turn.

# %% cellView="form" jupyter={"source_hidden": true} tags=["solution"]
# @title Solution 3
# The promise is kept at each level, by either measure; a higher alpha buys fewer false alarms with lost mpox.
if SOLUTIONS:
    patients = len(set(held.groups))
    print(f"{patients} patients: p is at least 1 / ({patients} + 1) = {smallest_alpha(patients):.3f}, and so is alpha")
    smooth_class = "plain" if "plain" in classes else classes[-1]
    bars = {"promised": {}, "mpox kept, deep": {}, f"{smooth_class} called mpox-like, SSIM": {}}
    for level in (level for level in (0.1, 0.2, 0.5) if level >= smallest_alpha(patients)):
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
# **4. The watermark.** You may not know which pictures have one. Cover the lower right corner of *every* picture, a
# fifth of the side, with the mean colour of its picture and repeat the experiment of part 9 with `patchcore`. Is it
# honest now? A start: `judged(victim, pixels)` scores pictures.

# %%
# Your turn.


# %% cellView="form" jupyter={"source_hidden": true} tags=["solution"]
# @title Solution 4
# Covering a corner removes this shortcut: the bars are equal again. Whether the detector is any good is another matter.
if SOLUTIONS:

    def covered(pixels):
        """Pictures whose lower right corner is one colour."""
        result, side = pixels.copy(), SIZE // 5 + 1
        result[:, -side:, -side:] = pixels.mean(axis=(1, 2), keepdims=True)
        return result

    bars = {"corner as it is": {}, "covered corner": {}}
    for title, (positive, negative) in experiments.items():
        bars["corner as it is"][title] = auroc(judged(victim, positive), judged(victim, negative))
        bars["covered corner"][title] = auroc(judged(victim, covered(positive)), judged(victim, covered(negative)))
    figure = bars_figure(
        bars, lesson.path("solution_4"), xlabel=f"AUROC of mpox against {hardest}, patchcore", line=0.5
    )
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
# | cell | a square that a mask hides |
# | conformal | a rule whose share of errors on the learnt class is bounded, whatever the measure is |
# | discriminator, generator | the two networks of a GAN: one judges, one paints |
# | exchangeable | from the same crowd, so that no order of them is more likely than another |
# | features | what a network makes of a picture: numbers for edges, textures, shapes |
# | foreign | far from mpox in any direction of the features |
# | GAN | generative adversarial network: generator and discriminator, trained against each other |
# | gate, `cannot-judge` | what refuses pictures that are blank, blurred or foreign |
# | golden | of pictures: in a bundle with the answers that every program must give |
# | group | pictures that belong together, such as those of one patient |
# | head | the last small stage, from features to one number |
# | held-out | kept apart: nothing was fitted on it |
# | hinge loss | asks for values beyond +1 and -1, and for no more |

# %% [markdown]
# | word | meaning |
# |---|---|
# | inpainting | painting what is missing from what is left |
# | int8, quantized | numbers of 8 bits in place of floats of 32 |
# | mask, mask set | what is hidden; masks that together hide each pixel once |
# | moving average | of the weights over the steps of the training; steadier than the last step |
# | one-class | learnt from one class only |
# | p-value | share of held-out mpox patients that look as little like mpox as this picture, or less |
# | proxy | simplified picture from which ProxyAno rebuilds |
# | rank correlation | 1 where two orders are the same, -1 where opposite, 0 where unrelated |
# | self-made negatives | pictures of mpox, changed so that they show it no longer |
# | sensitivity | share of mpox that is called mpox-like |
# | shortcut | something that tells classes apart and is not the disease |
# | similarity | the number of a measure; higher is more like mpox |
# | split | `train` to learn from, `val` for the table, `test` to report |
# | SSIM | structural similarity of two pictures, 1 where they are equal |
# | TFLite | a file format for networks on small devices |
# | threshold | similarity from which on a picture is called mpox-like |

# %% [markdown]
# The last cell adds up what you have made. It fails if a part was left out.

# %%
minutes = lesson.finish()
