"""Stage 1: a policy writes N candidates per problem."""
