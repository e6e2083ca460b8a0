"""Images drawn by a program: the sample set and the photographs behind the golden vectors."""
