"""Films: frames that are painted one after another, so that what they show stays still."""
