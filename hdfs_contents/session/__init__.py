"""A user's session, kept in HDFS between two servers."""
