"""The laws that draw an episode's languages; each gives the whole schedule of a phase as a function of the step."""
