"""People who sign in with their organisation's provider, by OpenID Connect: a name, a role and teams for each.

settings_file  a file -> settings, or everything that is wrong with it
settings       the provider, and what its groups may
provider       what is asked of the provider, within limits: where it is, its keys, a code for an ID token
round_trip     from the sign-in page to the provider and back: one browser, once, within minutes
id_token       whose token is it, and is it meant for this sign-in
person         claims -> a name, a role, teams
connect        these together: the way there, and what came back
handlers       the two addresses of it

The authorization code flow of OpenID Connect Core 1.0 with PKCE (RFC 7636) and the issuer in the answer (RFC 9207).
"""
