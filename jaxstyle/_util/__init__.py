"""What every part of jaxstyle shares."""
