"""Studies: sets of pictures, judges, statistics, and the report."""
