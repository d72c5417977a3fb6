"""How applications reach YARN: the interface, and its two implementations."""
