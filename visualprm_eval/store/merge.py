"""Several stores become one: what was sampled here, scored there and graded elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from visualprm_eval.core.errors import ConfigError, StoreLockedError
from visualprm_eval.core.folders import check_folder
from visualprm_eval.core.progress import track
from visualprm_eval.core.visible import say, tell
from visualprm_eval.core.words import counted, listed
from visualprm_eval.store import STORE_FILE, Store
from visualprm_eval.store.lock import WriterLock
from visualprm_eval.store.soundness import audit, open_sound, refuse_damage

RANK_FILES = "store.rank*.sqlite"
"""Where ranks store what they do, until rank 0, or the next run, takes it over."""


def merge(inputs: Sequence[Path], output: Path) -> None:
    """Merges stores into one and prints what it gained; the inputs are only read.

    Everything is taken over in one transaction: killed at any moment, the output is what it was or what it shall be.

    Args:
        inputs: Stores, or work dirs with one.
        output: A store or a work dir; what is there already stays.

    Raises:
        ConfigError: The output is among the inputs, or cannot be written.
        StoreConflictError: Two stores contradict each other; nothing was merged.
        StoreError: A store is missing, damaged, locked or written by another version.
    """
    target = store_path(output)
    paths = list(dict.fromkeys(path for given in inputs for path in _input_paths(given)))
    if target.resolve() in {path.resolve() for path in paths}:
        raise ConfigError(f"-o {output} is among the stores to merge; name it only after -o: what it holds stays in it")
    check_folder(target.parent, "-o")
    with ExitStack() as stack:
        sources = [stack.enter_context(Store.open(path, write=False)) for path in paths]
        looks = [(source.path, stack.enter_context(audit(source))) for source in sources]
        for path, findings in looks:
            refuse_damage(path, findings)
        store = stack.enter_context(open_sound(target, write=True))
        with track(f"merge into {target}", sum(source.count_rows() for source in sources)) as tracker:
            gained = store.absorb(sources, advance=tracker.advance)
    facts = [counted(gained[f"{noun}s"], noun) for noun in ("problem", "candidate", "score", "verdict")]
    say(f"{target}: {', '.join(facts)} are new, from {counted(len(sources), 'store')}")


def absorb_leftovers(store: Store, work_dir: Path, *, remove: bool = True, quiet: bool = False) -> None:
    """Takes over what the ranks of a run stored.

    A file goes only when its facts are safe in the store; killed in between, the next run does it again.

    Args:
        store: Where the facts go.
        work_dir: Where the files of ranks are.
        remove: Whether the files go; without it they are only read.
        quiet: Whether nothing is said, since it is no surprise.

    Raises:
        StoreLockedError: A rank is still at work.
        StoreDamagedError: What a rank left is not sound.
    """
    paths = rank_paths(work_dir)
    if remove:
        _remove_orphans(work_dir)
    if not paths:
        return
    with ExitStack() as stack:
        sources = [stack.enter_context(open_sound(path, write=remove)) for path in paths]
        gained = store.absorb(sources)
    for path in paths if remove else ():
        path.unlink()  # First of all: a log without its store is known to be of no more use, the reverse is not.
        path.with_name(path.name + ".lock").unlink(missing_ok=True)
    if remove:
        _remove_orphans(work_dir)
    counts = {noun: gained[f"{noun}s"] for noun in ("candidate", "score", "verdict")}
    if any(counts.values()) and not quiet:
        facts = listed(counted(count, noun) for noun, count in counts.items() if count)
        tell(f"note: {facts} taken over from the ranks of an earlier run")


def _remove_orphans(work_dir: Path) -> None:
    """Removes what has no store beside it.

    Logs outlive their stores when somebody looked on while those were removed; a lock comes before its store, and stays
    alone when its rank is killed in between.
    """
    for kind in ("-wal", "-shm", ".lock"):
        for path in work_dir.glob(RANK_FILES + kind):
            store = path.with_name(path.name.removesuffix(kind))
            if not store.exists() and (kind != ".lock" or _is_free(store)):
                path.unlink(missing_ok=True)


def _is_free(store: Path) -> bool:
    """Whether no rank holds the lock of a store."""
    with suppress(StoreLockedError):
        WriterLock(store).release()
        return True
    return False


def rank_paths(work_dir: Path) -> list[Path]:
    """Files of ranks in a work dir."""
    return sorted(work_dir.glob(RANK_FILES))


def store_path(given: Path) -> Path:
    """The file that a user means by a store: itself, or the one of the work dir."""
    return given if given.is_file() or (given.suffix and not given.is_dir()) else given / STORE_FILE


def _input_paths(given: Path) -> Iterator[Path]:
    """A work dir also has what ranks left there."""
    path = store_path(given)
    leftovers: Iterable[Path] = rank_paths(given) if path != given else ()
    if os.path.lexists(path) or not leftovers:  # A link that leads nowhere is told, not passed over.
        yield path
    yield from leftovers
