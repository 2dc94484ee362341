"""Names of Java, asked for once.

py4j asks the JVM anew each time a class or a static method is named, and for each part of a package's name the JVM looks through all its
jars, because it might be a class: a third of all that a small run asks for.
"""

from __future__ import annotations

from typing import Any

from py4j.java_gateway import JavaClass, JavaMember, JavaPackage, JVMView


class _Remembering:
    """What py4j finds by a name does not change while the JVM lives, but for static fields, which are asked for each time."""

    def __getattr__(self, name: str) -> Any:
        found = super().__getattr__(name)  # type: ignore[misc]
        if isinstance(found, (JavaPackage, JavaClass, JavaMember)):
            self.__dict__[name] = remember_names(found)
        return found


class _View(_Remembering, JVMView):  # type: ignore[misc]
    pass


class _Package(_Remembering, JavaPackage):  # type: ignore[misc]
    pass


class _Class(_Remembering, JavaClass):  # type: ignore[misc]
    pass


_KINDS: dict[type, type] = {JVMView: _View, JavaPackage: _Package, JavaClass: _Class}


def remember_names(named: Any) -> Any:
    """The same view, package or class of py4j, which from now on remembers what lies in it."""
    named.__class__ = _KINDS.get(type(named), type(named))
    return named
