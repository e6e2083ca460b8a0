"""AUROC, confidence intervals and shortcut probes of a detector or a bundle on a data folder."""
