"""What a person looks at: one self-contained page, and its figures."""
