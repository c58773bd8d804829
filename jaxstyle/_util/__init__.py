"""Utilities that every part of jaxstyle shares."""
