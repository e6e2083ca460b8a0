"""`python -m mim_tf`, the same as the command `mim-tf`."""

from mim_tf.cli.start import main

main()
