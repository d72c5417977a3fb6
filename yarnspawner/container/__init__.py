"""The program in the YARN container: the application master and its child, the notebook server.

These modules travel with each launch and run in the container's Python, 3.10 or newer. They import
the standard library and `hadoop_client` only; the child alone imports the single-user server's
packages (jupyterhub, jupyterlab, tornado).
"""
