"""Plumbing: what any program needs, and no part of a network."""
