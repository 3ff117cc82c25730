"""Reptile as a method of Isogloss."""
