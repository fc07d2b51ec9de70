"""What a class's grades are written to: tables, JSON, pages."""
