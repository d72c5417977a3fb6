"""What runs in the YARN container: the application master and its child, the notebook server.

Everything here travels with each launch and must run in any Python 3.10+ that the container has:
standard library only, and `hadoop_client`. What the single-user server itself is made of
(jupyterhub, jupyterlab, tornado) is imported in the child only.
"""
