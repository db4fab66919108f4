"""Gates that wait and guards that refuse."""
