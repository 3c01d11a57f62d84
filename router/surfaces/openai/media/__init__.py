"""Sound and pictures: endpoints that take files, as forms, and answer with them.

transcriptions, translations,     one endpoint each
speech, images, image_edits,
image_variations
forms                             what those have in common that take forms
seconds                           how long a recording is, by its bytes
pictures                          how many pictures, and what they may take
answers                           what is an answer, and what it used
stream                            the events of a streamed one
"""
