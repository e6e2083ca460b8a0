"""Helpers of the notebook: figures, live training curves and Colab widgets."""
