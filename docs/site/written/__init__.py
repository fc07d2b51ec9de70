"""The pages of the site that are written from the course and not from notebooks."""
