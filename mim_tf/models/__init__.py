"""Keras models with their layers and losses."""

from mim_tf.models.backend import check_backend

check_backend()  # before a module of this package imports Keras
