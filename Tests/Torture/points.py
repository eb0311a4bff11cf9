# SPDX-License-Identifier: Apache-2.0
"""Where a run can be struck: one point is an attack and one or more strikes, each at the n-th of certain system calls.

As text, which replays it alone: `ATTACK:CALL:FILE:NUMBER:FAULT`, further strikes behind commas. FILE is relative to
the world's folder with RUN for the run's id, or `*`: whatever the call works on. FAULT is KILL or the name of an
error; with a `+` behind it, the error is given from then on and not once. strace counts calls by thread: the first
thread that comes to its n-th call is struck, so a point may be another moment the next time.
"""

import collections
import dataclasses
import random
import re

#: All calls by which the program changes files, and those by which it talks.
FILE_CALLS = ["mkdir", "openat", "write", "pwrite64", "fsync", "fdatasync", "ftruncate", "rename", "renameat", "link",
              "unlink", "unlinkat", "rmdir"]
NETWORK_CALLS = ["sendto", "recvfrom"]
CALLS = FILE_CALLS + NETWORK_CALLS

#: Errors that a healthy program meets sooner or later, by call. Whoever is out of descriptors or space stays so.
ERRORS = {
    "openat": ["EMFILE", "EIO", "ENOSPC+"], "mkdir": ["ENOSPC"], "write": ["ENOSPC", "EIO"],
    "pwrite64": ["ENOSPC", "ENOSPC+", "EIO"], "fsync": ["EIO", "ENOSPC"], "fdatasync": ["EIO"],
    "ftruncate": ["EIO"], "renameat": ["EIO", "ENOSPC"], "link": ["EIO"], "unlink": ["EIO"], "rmdir": ["EIO"],
    "sendto": ["ECONNRESET"], "recvfrom": ["ECONNRESET"],
}

#: How many of the calls on one file are failed, by each error.
ERRORS_PER_FILE = 2
#: How often each early call of a recovery is struck, every time after another first strike.
RECOVERIES_PER_CALL = 6
#: Up to which call of each kind a recovery is struck; what comes later is the run again.
RECOVERY_DEPTH = {"pwrite64": 24}
RECOVERY_DEPTH_ELSE = 8
#: What a sample is made of.
SHARES = {"begin": 0.10, "move": 0.40, "recover": 0.20, "fail": 0.15, "confirm": 0.05, "shred": 0.10}


@dataclasses.dataclass(frozen=True)
class Strike:
    call: str
    file: str
    number: int
    fault: str

    @property
    def is_kill(self) -> bool:
        return self.fault == "KILL"

    def __str__(self) -> str:
        return f"{self.call}:{self.file}:{self.number}:{self.fault}"


@dataclasses.dataclass(frozen=True)
class Point:
    attack: str
    strikes: tuple[Strike, ...]

    def __str__(self) -> str:
        return f"{self.attack}:" + ",".join(map(str, self.strikes))

    @staticmethod
    def parse(text: str) -> "Point":
        attack, _, rest = text.partition(":")
        strikes = []
        for part in rest.split(","):
            fields = part.split(":")
            if attack not in SHARES or len(fields) != 4 or fields[0] not in CALLS or not fields[2].isdigit():
                raise SystemExit(f"'{text}' is no point: ATTACK:CALL:FILE:NUMBER:FAULT, such as "
                                 "move:fsync:staging/RUN/ring/keys:3:KILL")
            strikes.append(Strike(fields[0], fields[1], int(fields[2]), fields[3]))
        return Point(attack, tuple(strikes))


class Profile:
    """Which calls on which files a command made, as strace saw it: by thread and in their order."""

    _LINE = re.compile(r"^(\d+)\s+(\w+)\((.*)$")
    _PATHS = [re.compile(r'^AT_FDCWD(?:<[^>]*>)?, "([^"]*)"'), re.compile(r'^"([^"]*)"'), re.compile(r"^\d+<([^>]*)>")]

    def __init__(self, trace: str, folder: str, run: str):
        self.calls: list[tuple[str, str, str | None]] = []
        for line in trace.splitlines():
            found = self._LINE.match(line)
            if not found:
                continue
            thread, call, arguments = found.groups()
            path = next((match[1] for match in (pattern.match(arguments) for pattern in self._PATHS) if match), None)
            ours = path is not None and path.startswith(folder + "/")
            # A process's own temporary names cannot be foretold.
            ours = ours and not re.search(r"\.\d+\.new$", path)
            self.calls.append((thread, call, path[len(folder) + 1:].replace(run, "RUN") if ours else None))

    def files(self) -> list[str]:
        return sorted({file for _, _, file in self.calls if file})

    def most(self) -> dict[tuple[str, str], int]:
        """How many calls of a kind one thread made on a file (network calls: on anything)."""
        counts: collections.Counter = collections.Counter()
        for thread, call, file in self.calls:
            if call in NETWORK_CALLS:
                counts[call, "*", thread] += 1
            elif file:
                counts[call, file, thread] += 1
        most: dict[tuple[str, str], int] = {}
        for (call, file, _), count in counts.items():
            most[call, file] = max(most.get((call, file), 0), count)
        return most

    def before(self, call: str, folder: str) -> "Profile":
        """What came before the first such call on a file below the folder."""
        end = next(
            (place for place, (_, name, file) in enumerate(self.calls) if name == call and (file or "").startswith(folder)),
            len(self.calls))
        part = Profile("", "", "")
        part.calls = self.calls[:end]
        return part

    def ordinals(self) -> dict[str, set[int]]:
        """The numbers, each within its thread, of the calls that touched our files or the network."""
        seen: collections.Counter = collections.Counter()
        ordinals: dict[str, set[int]] = collections.defaultdict(set)
        for thread, call, file in self.calls:
            seen[thread, call] += 1
            if file or call in NETWORK_CALLS:
                ordinals[call].add(seen[thread, call])
        return ordinals


def every_point(profiles: dict[str, Profile], seed: int) -> list[Point]:
    """All points, in an order that depends on the seed alone."""
    generator, points = random.Random(seed), []
    for call, numbers in profiles["begin"].before("renameat", "staging/").ordinals().items():
        # The loader opens more files than the program does until then: its thread would always be struck first.
        if call != "openat":
            points += [Point("begin", (Strike(call, "*", number, "KILL"),)) for number in sorted(numbers)]
    for attack in ("move", "confirm", "shred"):
        for (call, file), count in sorted(profiles[attack].most().items()):
            points += [Point(attack, (Strike(call, file, number, "KILL"),)) for number in range(1, count + 1)]
    firsts = [point.strikes[0] for point in points if point.attack == "move"]
    calls = sorted({strike.call for strike in firsts})
    for call in calls:
        for number in range(1, RECOVERY_DEPTH.get(call, RECOVERY_DEPTH_ELSE) + 1):
            for _ in range(RECOVERIES_PER_CALL):
                points.append(Point("recover", (generator.choice(firsts), Strike(call, "*", number, "KILL"))))
    points += _errors(profiles["move"], "fail", generator)
    points += _errors(profiles["shred"], "shred", generator)
    return list(dict.fromkeys(points))


def _errors(profile: Profile, attack: str, generator: random.Random) -> list[Point]:
    points = []
    for (call, file), count in sorted(profile.most().items()):
        for error in ERRORS.get(call, []):
            numbers = sorted(generator.sample(range(1, count + 1), min(count, ERRORS_PER_FILE)))
            points += [Point(attack, (Strike(call, file, number, error),)) for number in numbers]
    return points


def sample(points: list[Point], count: int, seed: int) -> list[Point]:
    """Some of the points: of every attack its share, and within it of every call the same number as far as they go."""
    generator, chosen = random.Random(seed), []
    for attack, share in SHARES.items():
        by_call: dict[str, list[Point]] = collections.defaultdict(list)
        for point in points:
            if point.attack == attack:
                by_call[point.strikes[-1].call].append(point)
        for group in by_call.values():
            generator.shuffle(group)
        wanted, rounds = max(1, round(count * share)), []
        for place in range(max(map(len, by_call.values()), default=0)):
            rounds += [group[place] for group in by_call.values() if place < len(group)]
        chosen += rounds[:wanted]
    return chosen
