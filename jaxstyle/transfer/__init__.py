"""One transfer: job, steppers, loop, checkpoints, manifest."""
