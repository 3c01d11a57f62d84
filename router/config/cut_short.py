"""Whether a policy's text is a part of one: its writing may have been cut short, by a full disk or a killed copy.

Half of a policy may well be a valid policy, one that protects less. Its beginning may have been edited, so it is the
ends of the texts that are compared.
"""

from __future__ import annotations


def is_cut_short(text: bytes, in_force: bytes) -> bool:
    """Whether it ends within a line, as the policy in force does not."""
    if not in_force or text.endswith(b"\n"):
        return False
    if in_force.endswith(b"\n"):
        return True
    last, lines = _last_line(text), in_force.split(b"\n")
    return last != lines[-1] and any(line.startswith(last) for line in lines)


def may_go_on(text: bytes, in_force: bytes) -> bool:
    """Whether more may follow: it is shorter, and what comes after its last line in the policy in force is missing.

    YAML's mark of a document's end, `...`, says that nothing does."""
    end = in_force.rstrip()
    if not text.rstrip() or not in_force:
        return bool(in_force)
    last = _last_line(text.rstrip())
    if last == b"...":
        return False
    return len(text) < len(in_force) and last != _last_line(end) and last in end.split(b"\n")


def _last_line(text: bytes) -> bytes:
    return text.rpartition(b"\n")[2]
