"""mk4.py OLD NEW DATA OTHER: adds a reference to a detector of the earlier format."""
import json, shutil, sys
from pathlib import Path
import numpy as np
from dataclasses import replace
from mim_tf.detector import Detector
from mim_tf.calibration import fit_reference
from mim_tf.data.folder import scan_folder, load_at_sizes
from mim_tf.data.splits import NOT_SKIN
from mim_tf.data.duplicates import join_near_duplicates, SIDE
from mim_export.score.conformal import Tables
old, new, data, further = map(Path, sys.argv[1:5])
shutil.rmtree(new, ignore_errors=True); shutil.copytree(old, new)
e = json.loads((new/"detector.json").read_text())
e["format"] = 4
e["reference"] = {"similarities": [], "weights": [], "groups": 0, "beta": 0.2, "conditions": []}
g = e["gate"]
if "max_foreignness" in g: g["max_novelty"] = g.pop("max_foreignness")
(new/"detector.json").write_text(json.dumps(e))
d = Detector.load(new)
photos = [p for p in scan_folder(data) if p.split == "val" and p.label != "mpox" and p.label not in NOT_SKIN]
photos += [replace(p, split="reference") for p in scan_folder(further) if p.split == "val"]
loaded, thumbs = load_at_sizes(photos, (d.size, SIDE), warn=print, what="reference")
m = d.model.measures(loaded.pixels)
groups = join_near_duplicates(thumbs, print)
labels = np.array([p.label for p in loaded.photos])
ref = fit_reference(m.similarity, groups, labels, beta=0.2)
from dataclasses import replace as _r
d._tables = Tables(_r(d.tables.calibration, alpha=0.05), ref)
lim = float(np.sort(m.novelty)[::-1][int(0.02*len(m.novelty))])
print("novelty limits", d.gate.max_novelty, lim, "thresholds", d.tables.calibration.threshold, ref.threshold, ref.groups, len(ref.conditions))
d._gate = replace(d.gate, max_novelty=max(d.gate.max_novelty, lim))
d.about = {**d.about, "reference_images": len(labels), "further_reference": True}
d.save(new)
