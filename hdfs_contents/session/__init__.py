"""Keeps a user's session in HDFS while no server runs."""
