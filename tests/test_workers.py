"""Workers of joblib: what the process that starts them hears meanwhile."""

import os
import signal

import pytest

from data_scaling._workers import _deaf_to_interruptions


def test_an_interruption_while_workers_start_is_heard_when_they_have():
    """It waits for the end of the block, or is heard at once; it is never lost."""
    # Where the tests run in the background of a shell, the signal is ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), _deaf_to_interruptions():
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
