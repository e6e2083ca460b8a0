"""The training loop, its configuration, previews and run folders."""
