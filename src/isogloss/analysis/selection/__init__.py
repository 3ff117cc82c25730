"""Which auxiliary language to take for a target: from distances and from what was measured, with how sure that is."""
