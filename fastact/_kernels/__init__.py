"""Compiled code without policy: scalar mathematics, the memory driver, and the dense layer."""
