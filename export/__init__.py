"""The part of mim-tf that leaves Python: definitions that devices share, the bundle and its scorer.

Importing this package imports neither TensorFlow nor any third-party package.
"""
