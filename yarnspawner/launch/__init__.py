"""From settings to the application that YARN is asked to run."""
