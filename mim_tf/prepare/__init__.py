"""Turns downloaded collections of photographs into a data folder; see `mim_tf.prepare.build`."""
