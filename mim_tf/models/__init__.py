"""Networks and the models built from them."""
