"""Is a forward or a backward right? And if not, what is wrong, in words."""
