"""C and C++ sources made from a bundle."""
