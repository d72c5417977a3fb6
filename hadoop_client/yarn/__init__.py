"""YARN: a client, and the messages and methods of its protocols. Standard library only."""
