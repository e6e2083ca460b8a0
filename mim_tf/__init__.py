"""Mask, Inpaint, Measure: one-class detection of mpox in photographs. Research software, not a diagnosis.

Importing the package does not import TensorFlow; its modules do.
"""

from importlib.metadata import version

__version__ = version("mim-tf")
