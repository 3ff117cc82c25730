"""A pairing of language families for Isogloss."""
