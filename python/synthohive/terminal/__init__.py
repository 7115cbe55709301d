"""What people see in a terminal or a log: lines, progress bars and tables."""
