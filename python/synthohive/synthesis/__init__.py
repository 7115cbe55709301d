"""Learning real tables and generating synthetic ones."""
