"""How the demo's benchmark and models were made."""
