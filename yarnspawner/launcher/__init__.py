"""The interface to YARN and its two implementations."""
