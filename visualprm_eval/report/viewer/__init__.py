"""The part of the page that shows single problems."""
