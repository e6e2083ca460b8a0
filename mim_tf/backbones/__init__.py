"""Pretrained networks, whose weights are read without PyTorch."""
