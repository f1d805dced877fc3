"""What each table of a report says."""
