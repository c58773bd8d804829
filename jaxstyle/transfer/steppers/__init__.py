"""Steppers: how one optimizer step is laid out in memory and over devices."""
