"""Focal loss as an objective of Isogloss."""
