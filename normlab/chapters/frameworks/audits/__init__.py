"""The norms of libraries, audited: the stored table, and what makes it again."""
