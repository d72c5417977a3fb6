"""YARN's messages and methods. Standard library only."""
