"""What runs in the process of a student's code, and in the process that it is forked from.

Nothing here imports an exercise, a reference or a norm: a student's code can read all of the
memory that it runs in. A test holds the imports to this, and another looks at what is loaded.
"""
