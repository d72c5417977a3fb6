"""From an environment's prefix on this machine to the archive that YARN unpacks."""
