"""The two commands: open the lab, and test it. Standard library only, since they run before any install."""
