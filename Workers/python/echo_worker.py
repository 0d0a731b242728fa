"""The smallest useful worker: `echo` returns its payload, `words` streams it word by word."""

import time

import subnet_worker


def echo(payload, call):
    yield payload


def words(payload, call):
    for word in payload.split():
        yield word


def count(payload, call):
    """Counts from 0: up to the number in the payload, or for ever."""
    end = int(payload) if payload else None
    number = 0
    while end is None or number < end:
        yield str(number).encode()
        number += 1


def wait(payload, call):
    """Answers nothing and waits for its cancellation."""
    while not call.cancelled:
        time.sleep(0.01)
    raise subnet_worker.Cancelled()


if __name__ == "__main__":
    print("the echo worker starts")  # goes to standard error: standard output is the wire
    subnet_worker.serve("python-echo", {"echo": echo, "words": words, "count": count, "wait": wait})
