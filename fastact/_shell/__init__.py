"""The shell face: what the commands print and draw."""
