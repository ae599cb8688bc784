"""Cluster analysis: features, the test for distinct groups, rules and names."""
