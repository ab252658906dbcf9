"""Unpacks package ageenv into memory and runs its main module.

The startup script carries this text, and the same text is what stays on the box. The
import of base85 stands for that module's own text, which the packing puts there; a last
line that calls start with the packed modules follows.
"""
import sys
import zlib

from ageenv.base85 import decode


class Importer:
    """Imports modules from memory. A module is compiled when it is imported."""

    def __init__(self, sources: dict) -> None:
        self.sources = sources

    def find_spec(self, name: str, path: object = None, target: object = None) -> object:
        """Return the spec of a module of the package, None for any other."""
        if name in self.sources:
            # importlib, which has the class by name, would have to be loaded.
            return type(sys.__spec__)(name, self, is_package=name == "ageenv")  # type: ignore[misc, arg-type]
        return None

    def create_module(self, spec: object) -> None:
        """Leave it to Python."""

    def exec_module(self, module) -> None:  # type: ignore[no-untyped-def]
        """Run a module's text in it."""
        name = module.__name__
        exec(compile(self.sources[name], name, "exec"), module.__dict__)


def unexpected(kind: type, error: object, trace) -> None:  # type: ignore[no-untyped-def]
    """Print where an error comes from that nothing handles, and nothing that it quotes."""
    while trace.tb_next:
        trace = trace.tb_next
    where = trace.tb_frame.f_globals["__name__"], trace.tb_lineno
    sys.stderr.write("ageenv: unexpected %s at %s:%d\n" % ((kind.__name__,) + where))


def start(packed: bytes) -> None:
    """Run the program that is packed: a list of names and texts, deflated, in base85."""
    sys.excepthook = unexpected
    parts = iter(zlib.decompress(decode(packed)).decode().split("\0"))
    sys.meta_path.insert(0, Importer(dict(zip(parts, parts))))  # type: ignore[arg-type]
    from ageenv import main

    main.main(globals().get("sections"))
