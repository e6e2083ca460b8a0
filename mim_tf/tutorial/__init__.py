"""What the notebook uses: pictures that explain, a training to watch, widgets of Colab."""
