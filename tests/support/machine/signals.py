"""Signal dispositions of the programs that tests start."""

import signal

_INHERITED = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)


def reset_for_children() -> None:
    """Let programs that tests start have the default action of signals that are ignored here.

    ``nohup`` ignores SIGHUP, and a script's ``&`` ignores SIGINT and SIGQUIT. A program inherits
    that, and a shell can't even trap such a signal, so tests that send it would wait for ever. A
    handler is not inherited; this process goes on ignoring the signals.
    """
    for number in _INHERITED:
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
