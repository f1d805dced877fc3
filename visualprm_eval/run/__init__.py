"""One job from start to end: what it is about, the stages in order, and its results."""
