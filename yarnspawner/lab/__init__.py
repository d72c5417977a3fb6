"""What a server knows of its container, for JupyterLab: an extension of jupyter_server.

It is imported from the server's Python environment, and not from the launch as
`yarnspawner.container`.
"""
