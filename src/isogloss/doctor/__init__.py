"""What is wrong with the data of a recipe and what it will cost, before anything is trained: one file a check."""
