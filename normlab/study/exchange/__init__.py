"""A learner's progress as one file: from this machine to the pages of the site, and back."""
