"""exp4.py RUN BUNDLE DATA [micro]: exports a run without training photographs, without evaluation."""
import shutil
import sys
from pathlib import Path

from mim_export.bundle import export
from mim_tf.data.folder import load_photos, scan_folder
from mim_tf.data.splits import select
from mim_tf.detector import sample_of

run, out, data = map(Path, sys.argv[1:4])
micro = len(sys.argv) > 4
shutil.rmtree(out, ignore_errors=True)


def sample(detector, photos, run, warn):
    train = select(scan_folder(data), "train", "mpox")
    return sample_of(load_photos(train, detector.size, warn=print, what="train").pixels)


export._sample = sample
if micro:  # the recovered head was corrected before
    from mim_export.convert import graph

    graph.Deep.correct = lambda self, exact, rounded: None
export.export_run(run, out, None, "interim", print, micro)
