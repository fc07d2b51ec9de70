"""A room for each chapter: what it measures, its pictures, explorers, quiz and stored data."""
