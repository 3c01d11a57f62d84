"""Who is asking, and what they may.

guard             host, origin, credential, role, forged writes
roles             what each role opens
tokens            the admin's and the viewer's token: given, or made at first start
sign_in           signing in and out
sessions          who is signed in
sign_in_attempts  how often somebody may guess
"""
