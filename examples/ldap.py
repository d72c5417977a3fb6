"""Logs users in with their password in an LDAP directory. It needs, in the hub's environment,

    pip install jupyterhub-ldapauthenticator

The hub encrypts the connection (StartTLS) before it sends a password, and it requires a certificate
of the given CA. Members of one group may log in. Users type their names in lower case, and have
these names in Hadoop.
"""

import ssl

c = get_config()  # noqa: F821

c.JupyterHub.spawner_class = "yarn"
c.JupyterHub.authenticator_class = "ldap"
c.LDAPAuthenticator.server_address = "ldap.example.com"
c.LDAPAuthenticator.tls_kwargs = {
    "validate": ssl.CERT_REQUIRED,  # by default no certificate is checked
    "ca_certs_file": "/etc/ssl/certs/ca-certificates.crt",
}
c.LDAPAuthenticator.bind_dn_template = "uid={username},ou=people,dc=example,dc=com"
c.LDAPAuthenticator.allowed_groups = ["cn=notebook-users,ou=groups,dc=example,dc=com"]
# By default the hub also asks for attributes that only some directories know.
c.LDAPAuthenticator.group_search_filter = "(member={userdn})"
c.LDAPAuthenticator.group_attributes = ["member"]
c.YarnSpawner.python_env = "lab"

# Where entries are not named after users, as in Active Directory, replace bind_dn_template with a
# search. Active Directory calls the user's name sAMAccountName, OpenLDAP calls it uid.
# c.LDAPAuthenticator.lookup_dn = True
# c.LDAPAuthenticator.lookup_dn_search_user = "cn=hub,ou=services,dc=example,dc=com"
# c.LDAPAuthenticator.lookup_dn_search_password = open("/etc/jupyterhub/ldap.secret").read().strip()
# c.LDAPAuthenticator.user_search_base = "ou=people,dc=example,dc=com"
# c.LDAPAuthenticator.user_attribute = "sAMAccountName"
# c.LDAPAuthenticator.lookup_dn_user_dn_attribute = "sAMAccountName"
