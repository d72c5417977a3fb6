"""The whole product on one machine: a Hadoop, an environment, a hub, and a check of it all."""
