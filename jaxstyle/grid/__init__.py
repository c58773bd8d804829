"""Many transfers: sweeps, batches, result folders."""
