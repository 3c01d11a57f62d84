"""Who is asking, and what they may.

guard             host, origin, credential, role, forged writes
roles             what each role opens
tokens            the admin's and the viewer's token: given, or made at first start
sign_in           signing in with a token, and out
oidc              signing in by a name, with a provider of OpenID Connect
sign_in_provider  what is asked of such a provider, and none
own_path          where one goes on to
session_cookie    the cookie of a session
sessions          who is signed in
sign_in_attempts  how often somebody may guess
"""
