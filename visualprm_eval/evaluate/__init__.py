"""Arithmetic on stored facts: rerankers, values, statistics, published figures. Reads and writes nothing."""
