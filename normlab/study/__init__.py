"""The learner's side: files to work on, what the checks say of them, and how far it is."""
