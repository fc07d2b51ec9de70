"""Python in the pages of the site."""
