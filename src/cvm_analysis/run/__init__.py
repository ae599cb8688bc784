"""Run the same notebooks for every region: execute, verify, publish."""
