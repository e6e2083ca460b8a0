"""What a sceptic would try first, behind the same methods."""
