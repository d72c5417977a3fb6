"""Tokens, SASL, keytabs and Kerberos."""
