"""One-class models: each is fitted on one class and computes the similarity of an image to that class."""

from mim_tf.models.backend import check_backend

check_backend()  # before a module of this package imports Keras
