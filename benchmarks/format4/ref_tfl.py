"""ref_tfl.py RUN BUNDLE DATA OTHER: fits the reference of RUN from the similarities of BUNDLE."""
import sys
from pathlib import Path
from dataclasses import replace
import numpy as np
from mim_tf.detector import Detector
from mim_tf.calibration import fit_reference
from mim_tf.data.folder import scan_folder, load_at_sizes
from mim_tf.data.splits import NOT_SKIN
from mim_tf.data.duplicates import join_near_duplicates, SIDE
from mim_export.score.conformal import Tables
from mim_export.score.scorer import Scorer
run, bundle, data, further = map(Path, sys.argv[1:5])
d = Detector.load(run); s = Scorer(bundle)
photos = [p for p in scan_folder(data) if p.split == "val" and p.label != "mpox" and p.label not in NOT_SKIN]
photos += [replace(p, split="reference") for p in scan_folder(further) if p.split == "val"]
loaded, thumbs = load_at_sizes(photos, (d.size, SIDE), warn=print, what="reference")
rows = [s.run(x, "verdict") for x in loaded.pixels]
sim = np.array([r["similarity"][0] for r in rows], np.float32); nov = np.array([r["novelty"][0] for r in rows], np.float32)
ref = fit_reference(sim, join_near_duplicates(thumbs, lambda _: None), np.array([p.label for p in loaded.photos]), beta=0.2)
from dataclasses import replace as _r
d._tables = Tables(_r(d.tables.calibration, alpha=0.05), ref)
lim = float(np.sort(nov)[::-1][int(0.02 * len(nov))])
print(d.gate.max_novelty, lim, d.tables.calibration.threshold, ref.threshold)
d._gate = replace(d.gate, max_novelty=max(d.gate.max_novelty, lim))
d.about = {**d.about, "reference_images": len(sim), "further_reference": True}
d.save(run)
