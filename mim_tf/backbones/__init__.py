"""Pretrained networks, read without PyTorch."""
