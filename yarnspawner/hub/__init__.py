"""What all spawners of one hub share, and what the hub serves for them."""
