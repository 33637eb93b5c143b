"""The only code that talks to the outside, and it only reads. Knows nothing of the law."""
