"""The worker wire of Subnet, version 1, in Python's standard library alone.

A worker is a program that a Subnet node starts; the two talk over the worker's standard input and output.
The normative text is docs/protocols/worker-wire.md. A worker in a screenful:

    import subnet_worker

    def echo(payload, call):
        yield payload

    subnet_worker.serve("echo", {"echo": echo})

A method takes the request's bytes and a `Call`, and returns an iterable of `bytes` (a generator streams).
Raise `Status` to choose the error that the caller sees; of any other exception callers learn only that the
worker failed, and standard error has the traceback. Each call runs in its own thread; `yield` waits while the
caller has enough unread items, and the generator is closed there once the caller has given up. A method that
computes for long between two items looks at `call.cancelled`.
"""

import os
import sys
import threading
import time
import traceback

WIRE_VERSION = 1
FRAME_BYTES_MAX = 4 << 20
TEXT_BYTES_MAX = 4096
CALLS_MAX = 64

OK, CANCELLED, UNKNOWN, INVALID_ARGUMENT, DEADLINE_EXCEEDED, NOT_FOUND = 0, 1, 2, 3, 4, 5
RESOURCE_EXHAUSTED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE = 8, 12, 13, 14


class Status(Exception):
    """The gRPC status number and the sentence with which a call ends."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code
        self.message = message


class Cancelled(Exception):
    """The caller gave the call up, or the node is gone."""


class WireError(Exception):
    """The bytes on the wire are no worker wire; the worker must exit."""


def complain(text):
    """Writes to standard error, if anybody is left to read it."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        pass


# --- protobuf, as far as the wire needs it ---------------------------------------------------------------


def write_varint(value):
    """Encodes a non-negative integer, 7 bits a byte, least significant first."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varint(data, at):
    """Decodes an unsigned 64-bit integer at `at`; returns it and the position after it."""
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise WireError("a varint is cut short or too long")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at
        shift += 7


def field(number, value):
    """Encodes one field: an int as a varint, text and bytes with their length. Zero values are left out."""
    if isinstance(value, int):
        return write_varint(number << 3) + write_varint(value) if value else b""
    if isinstance(value, str):
        value = value.encode()
    return write_varint(number << 3 | 2) + write_varint(len(value)) + value if value else b""


def submessage(number, body):
    """Encodes a message field, also when it is empty."""
    return write_varint(number << 3 | 2) + write_varint(len(body)) + body


def read_fields(data):
    """Decodes a message field by field: (number, wire type, value); ints for varints, bytes for the rest."""
    at = 0
    while at < len(data):
        key, at = read_varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = read_varint(data, at)
        else:
            if kind == 2:
                length, at = read_varint(data, at)
            elif kind in (1, 5):
                length = 8 if kind == 1 else 4
            else:
                raise WireError("a field has a type that protobuf 3 does not have")
            value = bytes(data[at : at + length])
            at += length
            if at > len(data):
                raise WireError("a field is cut short")
        yield key >> 3, kind, value


def fields(data):
    """Decodes a message into {field number: last value}; the wire has no fields of fixed size."""
    return {number: value for number, kind, value in read_fields(data) if kind in (0, 2)}


def number(message, key):
    """An integer field, 0 when absent."""
    value = message.get(key, 0)
    if not isinstance(value, int):
        raise WireError("a field has the wrong type")
    return value


def octets(message, key):
    """A bytes field, empty when absent."""
    value = message.get(key, b"")
    if not isinstance(value, bytes):
        raise WireError("a field has the wrong type")
    return value


# --- the worker ------------------------------------------------------------------------------------------


class Call:
    """One call: `deadline` on time.monotonic()'s clock or None, `cancelled` to look at between tokens."""

    def __init__(self, worker, identifier, deadline, credit):
        self._worker = worker
        self._credit = credit
        self.id = identifier
        self.deadline = deadline
        self.cancelled = False

    def send(self, payload):
        """Sends one item; waits for credit. Raises `Cancelled`."""
        payload = bytes(payload)
        with self._worker.changed:
            while self._credit == 0 and not self.cancelled:
                self._worker.changed.wait()
            if self.cancelled:
                raise Cancelled()
            self._credit -= 1
        self._worker.write(submessage(2, field(1, self.id) + field(2, payload)))


class Worker:
    """The wire of one worker process."""

    def __init__(self, input_descriptor, output_descriptor, methods, calls_max):
        # No buffered file object: a daemon thread that blocks in one can stop the interpreter from exiting.
        self._input = input_descriptor
        self._buffer = bytearray()
        self._output = output_descriptor
        self._methods = methods
        self._calls = {}
        # Calls that are over, but whose end may not be written yet.
        self._ending = 0
        self._calls_max = calls_max
        self._last_id = 0
        self._shutting_down = False
        self._output_lock = threading.Lock()
        self.changed = threading.Condition()

    def write(self, message):
        """Writes one frame. A broken pipe means that the node is gone."""
        if len(message) > FRAME_BYTES_MAX:
            raise Status(RESOURCE_EXHAUSTED, "an item exceeds the frame limit")
        view = memoryview(write_varint(len(message)) + message)
        with self._output_lock:
            try:
                while view:
                    view = view[os.write(self._output, view) :]
            except OSError:
                os._exit(0)

    def ready(self, name, info):
        """Reports that calls are welcome."""
        entries = b"".join(submessage(3, field(1, k) + field(2, v)) for k, v in info.items())
        facts = field(1, WIRE_VERSION) + field(2, name) + entries
        self.write(submessage(1, facts + field(4, self._calls_max)))

    def log(self, level, message):
        """Writes a line to the node's log; levels run from 0 (trace) by 2 (info) to 6 (critical)."""
        text = message.encode()[:TEXT_BYTES_MAX].decode(errors="ignore")
        self.write(submessage(4, field(1, level) + field(2, text)))

    def _fill(self, count):
        """Reads until `count` bytes are there; False at the end of the input."""
        while len(self._buffer) < count:
            data = os.read(self._input, 1 << 16)
            if not data:
                return False
            self._buffer += data
        return True

    def read_frame(self):
        """The next message; None at the end of the input."""
        length = at = 0
        while True:
            if not self._fill(at + 1):
                return None
            byte = self._buffer[at]
            length |= (byte & 0x7F) << (7 * at)
            at += 1
            if length > FRAME_BYTES_MAX or at > 5:
                raise WireError("a frame is longer than the limit")
            if byte < 0x80:
                break
        if not self._fill(at + length):
            return None
        frame = bytes(self._buffer[at : at + length])
        del self._buffer[: at + length]
        return frame

    def read(self):
        """Reads until the input ends, then exits the process: whatever runs serves nobody."""
        code = 70
        try:
            while (frame := self.read_frame()) is not None:
                self._received(fields(frame))
            code = 0
        except OSError:
            # The end as well: the socket of a node that is killed with output unread is reset.
            code = 0
        except WireError as error:
            complain(f"subnet_worker: {error}")
        except Exception:
            complain(traceback.format_exc())
        finally:
            # Whatever happened: without this thread nothing would notice the end of the node.
            os._exit(code)

    def _received(self, message):
        if 1 in message:
            self._start(fields(octets(message, 1)))
        elif 2 in message:
            credit = fields(octets(message, 2))
            with self.changed:
                call = self._calls.get(number(credit, 1))
                if call is not None:
                    call._credit += number(credit, 2)
                    self.changed.notify_all()
        elif 3 in message:
            with self.changed:
                call = self._calls.get(number(fields(octets(message, 3)), 1))
                if call is not None:
                    call.cancelled = True
                    self.changed.notify_all()
        elif 4 in message:
            with self.changed:
                self._shutting_down = True
                self.changed.notify_all()

    def _start(self, message):
        identifier = number(message, 1)
        if identifier <= self._last_id:
            raise WireError("call ids must rise")
        self._last_id = identifier
        left = number(message, 4)
        deadline = time.monotonic() + left / 1000 if left else None
        call = Call(self, identifier, deadline, number(message, 5))
        with self.changed:
            refusal = None
            if self._shutting_down:
                refusal = Status(UNAVAILABLE, "the worker is shutting down")
            elif len(self._calls) >= self._calls_max:
                refusal = Status(RESOURCE_EXHAUSTED, "too many calls in flight")
            else:
                self._calls[identifier] = call
        if refusal is not None:
            self._end(identifier, refusal)
            return
        name = octets(message, 2).decode(errors="replace")
        arguments = (call, name, octets(message, 3))
        threading.Thread(target=self._run, args=arguments, daemon=True).start()

    def _run(self, call, name, payload):
        status = Status(OK, "")
        try:
            method = self._methods.get(name)
            if method is None:
                raise Status(UNIMPLEMENTED, f"this worker has no method {name}")
            for item in method(payload, call) or ():
                call.send(item)
        except Status as error:
            status = error
        except Cancelled:
            status = Status(CANCELLED, "the call was cancelled")
        except Exception:  # a method's failure ends its call, not the worker
            # Callers are strangers, and an exception may say anything: paths, addresses, others' input.
            complain(traceback.format_exc())
            status = Status(UNKNOWN, "the worker failed; its log says why")
        # The place comes free before the end is written, since the node may fill it at once. Whoever waits
        # for the last call waits for that writing too.
        with self.changed:
            self._calls.pop(call.id, None)
            self._ending += 1
        self._end(call.id, status)
        with self.changed:
            self._ending -= 1
            self.changed.notify_all()

    def _end(self, identifier, status):
        text = status.message.encode()[:TEXT_BYTES_MAX].decode(errors="ignore")
        self.write(submessage(3, field(1, identifier) + field(2, status.code) + field(3, text)))

    def wait_for_shutdown(self):
        """Returns when the node has asked for shutdown and every call has ended."""
        with self.changed:
            while not self._shutting_down or self._calls or self._ending:
                self.changed.wait()


def serve(name, methods, info=None, calls_max=CALLS_MAX, load=None):
    """Runs a worker until the node asks for shutdown.

    `load`, if given, is called before the worker reports ready and returns more methods: that is the place to
    load the model. Standard output is the wire: what the program prints goes to standard error instead.
    """
    wire_in, wire_out = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    # Processes that the worker starts must not read the wire.
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.stdout = sys.stderr
    methods = dict(methods)
    worker = Worker(wire_in, wire_out, methods, calls_max)
    # Reads while the model loads: the end of the node must not go unnoticed for minutes.
    threading.Thread(target=worker.read, daemon=True).start()
    if load is not None:
        methods.update(load())
    worker.ready(name, info or {})
    worker.wait_for_shutdown()
