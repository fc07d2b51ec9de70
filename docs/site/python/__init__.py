"""Python in the pages of the site: Pyodide, the exercise pages, and Run in the chapters."""
