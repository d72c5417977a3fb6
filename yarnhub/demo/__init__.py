"""The whole product on one machine: a Hadoop, an environment, a hub, and an end-to-end check."""
