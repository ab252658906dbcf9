"""The containers of docker compose projects.

docker compose runs as root, and its files could make anybody root: so whatever it
chooses by itself has to be root's alone. What root's own files name, as with include,
extends or build, is root's to answer for.
"""
import stat

from ageenv import process, root, walk
from ageenv.failure import Failure, Waiting

# Seconds.
LONGEST = 300
# In the order that compose has. It takes the first of each; variables of .env are put
# into these files, and may name others instead.
FILES = b"compose.yaml", b"compose.yml", b"docker-compose.yml", b"docker-compose.yaml"
READ = FILES + (b"compose.override.yml", b"compose.override.yaml", b"docker-compose.override.yml", b"docker-compose.override.yaml", b".env")
# What compose says that can be shown: words of its own, none of a file.
PHRASES = (
    b"no configuration file provided", b"Cannot connect to the Docker daemon", b"port is already allocated", b"pull access denied",
    b"manifest unknown", b"no space left on device", b"is unhealthy", b"permission denied", b"no such file or directory",
    b"could not be found", b"invalid compose project", b"variable is not set", b"env file", b"network is unreachable", b"no such host",
    b"unknown command", b"yaml:", b"is not a docker command",
)
OTHERS = "%s can be written by others than root: docker compose is not run there as root, since its files could make anybody root"


def recreate(name: str) -> None:
    """Make the containers of a compose project again: they keep the environment that
    they were made with, so a restart would not do."""
    path = name.encode()
    try:
        place = walk.directory(path)
    except FileNotFoundError:
        raise Waiting(10, "compose-missing", "%s is not there yet" % name)
    except OSError:
        raise Failure(10, "after", "%s cannot be opened" % name)
    try:
        check(path, place.closed)
        got = process.run(["docker", "compose", "up", "-d", "--force-recreate"], timeout=root.seconds(LONGEST), cwd=place.fd, errors=True)
    finally:
        place.close()
    if got.code == process.TOO_LONG:
        raise Failure(10, "after", "%s: docker compose up took more than %d seconds" % (name, LONGEST))
    if got.code:
        raise Failure(10, "after", "%s: docker compose up -d --force-recreate failed with code %d%s" % (name, got.code, safe(got.out)))


def check(path: bytes, closed: bool) -> None:
    """Raise Waiting if there is no compose file in a directory, and Failure if others than
    root can write anything that compose reads there. closed: whether nobody else can
    write the directory."""
    name = path.decode()
    found = [read for read in READ if is_there(path + b"/" + read)]
    if not any(read in FILES for read in found):
        raise Waiting(10, "compose-missing", "%s has no compose file yet" % name)
    if not closed:
        raise Failure(10, "after", OTHERS % name)
    for read in found:
        try:
            place = walk.walk(path + b"/" + read)
        except (OSError, Failure):
            raise Failure(10, "after", "%s/%s cannot be opened, or is a symlink that others can have put there" % (name, read.decode()))
        place.close()
        if not place.closed or not root.closed(place.st) or not stat.S_ISREG(place.st.st_mode):
            raise Failure(10, "after", OTHERS % (name + "/" + read.decode()))


def is_there(path: bytes) -> bool:
    """Report whether compose finds a file there."""
    try:
        walk.walk(path).close()
        return True
    except FileNotFoundError:
        return False
    except (OSError, Failure):
        return True


def safe(out: bytes) -> str:
    """Return what compose said, as far as it holds nothing of a file: it quotes the line
    of an env file that it cannot read."""
    said = [phrase.decode() for phrase in PHRASES if phrase.lower() in out.lower()]
    return ' ("%s")' % '", "'.join(said) if said else ""
