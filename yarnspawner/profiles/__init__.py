"""The choices on the form: model, configuration, form, and how JupyterHub applies them."""
