"""Stage 2: critics give every step of every candidate a number."""
