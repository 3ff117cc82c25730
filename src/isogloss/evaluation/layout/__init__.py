"""How a table is laid out for a paper: order, names, groups, digits; from a TOML file, the same in every format."""
