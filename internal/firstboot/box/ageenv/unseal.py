"""Opens a payload: with age where it is installed, else with the embedded reader.

What age refuses is refused. The reader then only names the reason: what two programs
disagree about is not dropped.
"""
from ageenv import process, root
from ageenv.failure import Failure, say, show

# The program that opened the last payload: none, age or python.
decryptor = "none"

TIMEOUT = 60
# A program that is not executed, or a wrapper's that is not.
NOT_EXECUTED = 126, process.CANNOT_RUN
# Where a tar says so.
MAGIC, MAGIC_AT = b"ustar", 257

REASONS = {
    "payload-malformed": "the payload's header is malformed",
    "wrong-identity": "the payload is sealed to another identity",
    "payload-altered": "the payload is altered or cut off",
    "needs-age": "the payload is sealed to a hybrid recipient: it needs age 1.3 or later on the box, and an identity that fits"}


def unseal(path: bytes, identity: bytes, sealed: bytes, directory: bool) -> "bytes | list":
    """Return the plaintext of the age file sealed, for the target at path.

    identity is the text of an identity file. For a directory the plaintext is a tar, and its
    files are returned as a list of (name, content). Raises Failure with code 5; no message
    holds a value.
    """
    plain = decrypt(show(path), identity, sealed)
    if directory:
        from ageenv import untar
        try:
            return untar.files(plain)
        except untar.Malformed as e:
            raise Failure(5, "payload-malformed", "%s: the payload %s" % (show(path), e)) from None
    if plain.startswith(MAGIC, MAGIC_AT):
        # Somebody would read it as env text.
        raise Failure(5, "payload-malformed",
                      "%s: the payload is a tar of one file for each key: use layout = \"directory\"" % show(path))
    return plain


def decrypt(path: str, identity: bytes, sealed: bytes) -> bytes:
    """Return the plaintext, and set decryptor. path is for messages."""
    global decryptor
    age = process.which("age")
    if age is not None:
        # Plaintext is shorter than its payload.
        result = process.run([age, "-d", "-i", "-", "/dev/fd/3"], stdin=identity, feed={3: sealed},
                             timeout=root.seconds(TIMEOUT), limit=len(sealed))
        if result.code == 0:
            decryptor = "age"
            return result.out
        if result.code == process.TOO_LONG:
            raise Failure(5, "open-failed", "%s: age took more than %d seconds to open the payload" % (path, TIMEOUT))
        if result.code not in NOT_EXECUTED:
            read(path, identity, sealed)
            raise Failure(5, "open-failed", "%s: age cannot open the payload, which is intact: is the age on this box damaged?" % path)
        say("age cannot be executed: the embedded reader opens the payload of %s" % path)
    plain = read(path, identity, sealed)
    decryptor = "python"
    return plain


def read(path: str, identity: bytes, sealed: bytes) -> bytes:
    """Open a payload with the embedded reader."""
    from ageenv import reader
    try:
        return reader.open_file(identity, sealed)
    except reader.Refused as e:
        if e.code in REASONS:
            raise Failure(5, e.code, "%s: %s" % (path, REASONS[e.code])) from None
        raise Failure(5, "open-failed", "%s: the identity is malformed or cut off" % path) from None
