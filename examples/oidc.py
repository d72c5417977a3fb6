"""Logs users in at an OpenID Connect provider, such as Keycloak.

It needs, in the hub's environment,

    pip install oauthenticator

Register the hub at the provider as a confidential client with the callback address below. The
addresses of the provider are in its document /.well-known/openid-configuration.

The claim must be a name that users cannot change at the provider and that no two users share: it is
their name in Hadoop. JupyterHub converts names to lower case, so the names of two users must not
differ by case only. Do not cut one out of an e-mail address of several domains.
"""

from pathlib import Path

c = get_config()  # noqa: F821

c.JupyterHub.spawner_class = "yarn"
c.JupyterHub.authenticator_class = "generic-oauth"
c.GenericOAuthenticator.login_service = "the company's log-in"
c.GenericOAuthenticator.client_id = "jupyterhub"
c.GenericOAuthenticator.client_secret = Path("/etc/jupyterhub/oidc.secret").read_text().strip()
c.GenericOAuthenticator.authorize_url = "https://login.example.com/oauth2/authorize"
c.GenericOAuthenticator.token_url = "https://login.example.com/oauth2/token"
c.GenericOAuthenticator.userdata_url = "https://login.example.com/userinfo"
c.GenericOAuthenticator.oauth_callback_url = "https://hub.example.com/hub/oauth_callback"
c.GenericOAuthenticator.scope = ["openid", "profile"]
c.GenericOAuthenticator.username_claim = "preferred_username"
c.Authenticator.allowed_users = {"alice", "bob"}
c.YarnSpawner.python_env = "lab"
