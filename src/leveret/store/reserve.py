"""Room that is kept for when the disk is full.

On a disk that takes nothing, nobody can make room by consuming: what was acknowledged must be
written, too.  So a file takes up some room while there is plenty of it.  When the disk is full it
is removed, and acknowledgements and a checkpoint fit again; once these have made more room, it is
made anew.

Knows nothing of who is to wait meanwhile.
"""

import contextlib
import errno
from typing import Final, final

from leveret.ports import Disk

NAME: Final = "reserve"
# Others must have as much as the file takes before it is made: else it would be of use at once.
_TIMES: Final = 2
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


def is_full(error: OSError) -> bool:
    """Whether it says that there is no room."""
    return error.errno in _FULL


@final
class Reserve:
    """``octets`` in a file of ``folder``.  With 0 there is none, and none is missing.

    ``is_held``: there is nothing to be made.
    """

    def __init__(self, disk: Disk, folder: str, octets: int) -> None:
        self._disk: Final = disk
        self._folder: Final = folder
        self._path: Final = f"{folder}/{NAME}"
        self.octets: Final = octets
        self.is_held = octets == 0

    def clear_away(self) -> None:
        """Remove what a crash left of it: a start needs room, too."""
        with contextlib.suppress(OSError):
            if NAME in self._disk.names(self._folder):
                self._disk.remove(self._path)

    def make(self) -> bool:
        """Take the room, if there is enough of it.  Whether it is held then."""
        if not self.is_held:
            try:
                if self._disk.free_octets(self._folder) >= _TIMES * self.octets:
                    self._take()
                    self.is_held = True
            except OSError:
                self.clear_away()
        return self.is_held

    def _take(self) -> None:
        file = self._disk.create(self._path)
        try:
            file.take_room(self.octets)
        finally:
            file.close()

    def is_wanted(self) -> bool:
        """Whether there is less room than it would give."""
        try:
            return self._disk.free_octets(self._folder) < self.octets
        except OSError:
            return False

    def release(self) -> bool:
        """Give the room back.  Whether there was any."""
        if self.octets == 0 or not self.is_held:
            return False
        self.is_held = False
        self.clear_away()
        return True
