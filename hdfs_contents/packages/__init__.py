"""Keeps in HDFS the packages that a user installs in a server."""
