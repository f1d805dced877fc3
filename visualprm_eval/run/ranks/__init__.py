"""Several processes of one machine share the sampling and the scoring: ``torchrun --nproc-per-node=G run.py ...``.

Rank 0 finds out what is missing, deals the problems and does everything else. Every rank, rank 0 too, works through its
problems in a store of its own, ``store.rankR.sqlite``, which rank 0 takes over at the end. ``launch`` says which rank
this process is, ``team`` is how ranks know of each other, ``work`` is what they do.

Ranks meet in files and locks, not in collective operations: nobody can hang in a barrier that somebody else never
reaches, the kernel tells who is alive, and what a killed rank stored is taken over by the next run.
"""
