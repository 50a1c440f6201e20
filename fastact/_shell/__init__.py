"""The shell face: the report and the curves."""
