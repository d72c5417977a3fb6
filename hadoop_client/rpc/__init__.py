"""Hadoop RPC: calls of a service's methods, blocking or by asyncio. Standard library only."""
