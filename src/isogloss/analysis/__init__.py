"""Why transfer works: representations, typology, statistics, selection."""
