"""Grades as a kind of task of Isogloss."""
