"""Tests of the text worker's messages, of the places for calls and of the end of a worker.

Run by WorkerPythonTests, or by hand:

    python3 -B text_worker_tests.py

The bytes are those of docs/protocols/worker-wire.md, put together by hand from inference.proto.
"""

import contextlib
import io
import itertools
import os
import select
import socket
import subprocess
import sys
import threading
import unittest
import unittest.mock

import parrot_worker
import subnet_worker
import text_worker

# Importing it must need neither torch nor transformers.
import transformers_worker

REQUEST = bytes.fromhex(
    "0a026869"  # prompt "hi"
    "10ac02"  # max_new_tokens 300
    "1d0000003f"  # temperature 0.5
    "2028"  # top_k 40
    "2d0000403f"  # top_p 0.75
    "30ffffffffffffffffff01"  # seed 2^64 - 1
    "3a0307ac02"  # generated_tokens 7, 300
)


class VarintTests(unittest.TestCase):
    VECTORS = [
        (0, "00"),
        (1, "01"),
        (127, "7f"),
        (128, "8001"),
        (300, "ac02"),
        (16383, "ff7f"),
        (16384, "808001"),
        (2**32 - 1, "ffffffff0f"),
        (2**64 - 1, "ffffffffffffffffff01"),
    ]

    def test_vectors_in_both_directions(self):
        for value, text in self.VECTORS:
            data = bytes.fromhex(text)
            self.assertEqual(subnet_worker.write_varint(value), data)
            self.assertEqual(subnet_worker.read_varint(data + b"\x05", 0), (value, len(data)))

    def test_what_is_cut_short_or_too_long_is_refused(self):
        for text in ["", "80", "ffffffffffffffffff", "ffffffffffffffffffff01"]:
            with self.assertRaises(subnet_worker.WireError):
                subnet_worker.read_varint(bytes.fromhex(text), 0)


class RequestTests(unittest.TestCase):
    def test_the_vector(self):
        request = text_worker.decode_request(REQUEST)
        self.assertEqual(
            request, text_worker.Request("hi", 300, 0.5, 40, 0.75, 2**64 - 1, generated_tokens=[7, 300])
        )

    def test_absent_fields_are_zero(self):
        self.assertEqual(text_worker.decode_request(b""), text_worker.Request())

    def test_tokens_may_come_packed_unpacked_and_in_pieces(self):
        for text in ["3a0307ac02", "3807 38ac02", "3807 3a02ac02", "3a0107 0a026869 3a02ac02"]:
            request = text_worker.decode_request(bytes.fromhex(text))
            self.assertEqual(request.generated_tokens, [7, 300])

    def test_the_last_value_wins(self):
        request = text_worker.decode_request(bytes.fromhex("0a0161 1001 0a0162 1002"))
        self.assertEqual((request.prompt, request.max_new_tokens), ("b", 2))

    def test_fields_of_later_versions_and_of_other_types_are_skipped(self):
        unknown = [
            "4001",  # field 8, varint
            "490102030405060708",  # field 9, 64 bits
            "5202ffff",  # field 10, bytes
            "5d01020304",  # field 11, 32 bits
            "0801",  # the prompt as a varint
            "150000803f",  # max_new_tokens as 32 bits
            "1801",  # the temperature as a varint
            "3d01000000",  # generated_tokens as 32 bits
        ]
        for text in unknown:
            expected = text_worker.decode_request(REQUEST)
            self.assertEqual(text_worker.decode_request(bytes.fromhex(text) + REQUEST), expected)
            self.assertEqual(text_worker.decode_request(REQUEST + bytes.fromhex(text)), expected)

    def test_every_truncation_is_refused_or_ends_between_fields(self):
        ends = [0, 4, 7, 12, 14, 19, 30, 35]
        self.assertEqual(ends[-1], len(REQUEST))
        for length in range(len(REQUEST)):
            if length in ends:
                text_worker.decode_request(REQUEST[:length])
                continue
            with self.assertRaises(subnet_worker.Status) as caught:
                text_worker.decode_request(REQUEST[:length])
            self.assertEqual(caught.exception.code, subnet_worker.INVALID_ARGUMENT)

    def test_what_is_no_message_is_refused(self):
        # Groups, a text that is no UTF-8, packed tokens that are cut short.
        for text in ["0b", "0c", "0f", "0a01ff", "3a0180"]:
            with self.assertRaises(subnet_worker.Status) as caught:
                text_worker.decode_request(bytes.fromhex(text))
            self.assertEqual(caught.exception.code, subnet_worker.INVALID_ARGUMENT)


class ResponseTests(unittest.TestCase):
    def test_info(self):
        info = text_worker.Info("parrot", "parrot-1", 8192)
        self.assertEqual(
            text_worker.encode_info(info, 4).hex(),
            "0a06706172726f74" + "1208706172726f742d31" + "188040" + "2004",
        )

    def test_tokens(self):
        vectors = [
            (0, text_worker.Token(104, b"h"), "1068" + "1a0168"),
            (2, text_worker.Token(195, b"\xc3"), "0802" + "10c301" + "1a01c3"),
            (3, text_worker.Token(256, finish_reason=text_worker.STOP), "0803" + "108002" + "220473746f70"),
            (0, text_worker.Token(0), ""),
        ]
        for index, token, text in vectors:
            self.assertEqual(text_worker.encode_token(index, token).hex(), text)


class MethodTests(unittest.TestCase):
    def answer(self, request, generate=parrot_worker.generate):
        info = text_worker.Info("parrot", "parrot-1", parrot_worker.CONTEXT_TOKENS)
        return list(text_worker.methods(info, generate)["generate"](request, None))

    def test_the_parrot_answers_with_its_prompt_and_stops(self):
        # prompt "hi", 300 tokens
        self.assertEqual(
            [item.hex() for item in self.answer(bytes.fromhex("0a026869 10ac02"))],
            ["10681a0168", "080110691a0169", "0802108002220473746f70"],
        )

    def test_the_length_that_was_asked_for_ends_it(self):
        # prompt "hi", 1 token; then the same behind token 104 with 2
        self.assertEqual(
            [item.hex() for item in self.answer(bytes.fromhex("0a026869 1001"))],
            ["10681a01682206" + b"length".hex()],
        )
        self.assertEqual(
            [item.hex() for item in self.answer(bytes.fromhex("0a026869 1002 3a0168"))],
            ["080110691a01692206" + b"length".hex()],
        )

    def test_a_context_that_is_full_ends_it(self):
        room = 3
        prompt = b"a" * (parrot_worker.CONTEXT_TOKENS - room)
        items = self.answer(subnet_worker.field(1, prompt) + subnet_worker.field(2, 9))
        self.assertEqual(len(items), room)
        self.assertTrue(items[-1].endswith(b"length"))
        full = subnet_worker.field(1, b"a" * parrot_worker.CONTEXT_TOKENS)
        with self.assertRaises(subnet_worker.Status) as caught:
            self.answer(full + subnet_worker.field(2, 9))
        self.assertEqual(caught.exception.code, subnet_worker.INVALID_ARGUMENT)

    def test_an_answer_is_continued_as_it_would_have_gone_on(self):
        for temperature in [0.0, 0.9]:
            request = text_worker.Request("round and round", 8, temperature, seed=7)
            whole = list(itertools.islice(parrot_worker.generate(request, None), 4))
            request.generated_tokens = [token.token for token in whole[:2]]
            rest = list(itertools.islice(parrot_worker.generate(request, None), 2))
            self.assertEqual(rest, whole[2:])

    def test_an_answer_that_is_complete_is_refused(self):
        for text in ["0a0161", "0a0161 1001 3a0161"]:
            with self.assertRaises(subnet_worker.Status) as caught:
                self.answer(bytes.fromhex(text))
            self.assertEqual(caught.exception.code, subnet_worker.INVALID_ARGUMENT)

    def test_a_model_that_forgets_its_last_token_fails(self):
        with self.assertRaises(subnet_worker.Status) as caught:
            self.answer(bytes.fromhex("0a0161 1005"), lambda request, call: iter([text_worker.Token(1)]))
        self.assertEqual(caught.exception.code, subnet_worker.INTERNAL)


class PlaceTests(unittest.TestCase):
    """The node calls again as soon as it has read the end of a call, be the worker's thread ever so slow."""

    class SlowWorker(subnet_worker.Worker):
        def __init__(self):
            super().__init__(-1, -1, {"echo": lambda payload, call: [payload]}, 1)
            self.ends = []
            self.done = threading.Event()

        def write(self, message):
            end = subnet_worker.fields(message).get(3)
            if end is None:
                return
            self.ends.append(end)
            if len(self.ends) == 1:
                self._start({1: 2, 2: b"echo", 5: 32})
            else:
                self.done.set()

    def test_the_only_place_is_free_when_the_end_is_written(self):
        worker = self.SlowWorker()
        worker._start({1: 1, 2: b"echo", 5: 32})
        self.assertTrue(worker.done.wait(30))
        # Calls 1 and 2 ended without a code, which is success.
        self.assertEqual(worker.ends, [b"\x08\x01", b"\x08\x02"])
        worker._received({4: b""})
        worker.wait_for_shutdown()


class GrowthTests(unittest.TestCase):
    """Tokens that are bytes, cut anywhere; bytes that are no character yet decode to U+FFFD."""

    # Characters of 1 to 4 bytes, one that is U+FFFD itself, and bytes that never become a character.
    TEXTS = ["aé€b", "😀é😀", "a\ufffdb\ufffd"]
    BYTES = [text.encode() for text in TEXTS] + [b"a\xff\xe2\x82b\xc3", b"\xf0\x9f\x98a\xff"]

    def text_of(self, tokens):
        return b"".join(tokens).decode(errors="replace")

    def answers(self):
        """Every way to cut each text into tokens."""
        for data in self.BYTES:
            for count in range(len(data)):
                for cuts in itertools.combinations(range(1, len(data)), count):
                    ends = [0, *cuts, len(data)]
                    yield [data[start:end] for start, end in zip(ends, ends[1:])]

    def texts(self, tokens, known):
        """What a worker sends that knows the first `known` tokens."""
        _, shown = transformers_worker.growth("", self.text_of(tokens[:known]), False)
        texts = []
        for count in range(known + 1, len(tokens) + 1):
            text = self.text_of(tokens[:count])
            grown, shown = transformers_worker.growth(shown, text, count == len(tokens))
            texts.append(grown)
        return texts

    def test_an_answer_is_whole_and_goes_on_as_it_would_have_at_every_cut(self):
        for tokens in self.answers():
            whole = self.texts(tokens, 0)
            self.assertEqual("".join(whole), self.text_of(tokens))
            for known in range(len(tokens)):
                self.assertEqual(self.texts(tokens, known), whole[known:], (tokens, known))

    def test_a_whole_character_does_not_wait_for_the_next_one(self):
        self.assertEqual(self.texts([b"a\xc3", b"\xa9\xe2", b"\x82", b"\xac"], 0), ["a", "é", "", "€"])


class EndTests(unittest.TestCase):
    PARROT = os.path.abspath(parrot_worker.__file__)

    def test_a_worker_ends_with_a_node_that_has_not_read_its_output(self):
        node, worker = socket.socketpair()
        with subprocess.Popen(
            [sys.executable, "-B", self.PARROT], stdin=worker, stdout=worker, stderr=subprocess.PIPE
        ) as process:
            try:
                worker.close()
                # Its ready message has come and is not read: on Linux, closing resets the connection.
                self.assertTrue(select.select([node], [], [], 30)[0])
                node.close()
                _, report = process.communicate(timeout=30)
            finally:
                process.kill()
        self.assertEqual((process.returncode, report), (0, b""))

    def test_a_reader_that_fails_ends_the_worker(self):
        class BrokenWorker(subnet_worker.Worker):
            def _received(self, message):
                raise RuntimeError("no thread is left")

        reading, writing = os.pipe()
        os.write(writing, b"\x02\x22\x00")
        report = io.StringIO()
        with unittest.mock.patch("os._exit") as ended, contextlib.redirect_stderr(report):
            BrokenWorker(reading, -1, {}, 1).read()
        os.close(reading)
        os.close(writing)
        ended.assert_called_once_with(70)
        self.assertIn("RuntimeError: no thread is left", report.getvalue())


class ErrorTests(unittest.TestCase):
    def test_what_an_exception_says_is_for_the_log_alone(self):
        def fails(payload, call):
            raise ValueError("/home/alice/key")

        messages = []
        worker = subnet_worker.Worker(-1, -1, {"fail": fails}, 1)
        worker.write = messages.append
        call = subnet_worker.Call(worker, 1, None, 32)
        report = io.StringIO()
        with contextlib.redirect_stderr(report):
            worker._run(call, "fail", b"")
        end = subnet_worker.fields(subnet_worker.fields(messages[-1])[3])
        self.assertEqual(end, {1: 1, 2: subnet_worker.UNKNOWN, 3: b"the worker failed; its log says why"})
        self.assertIn("ValueError: /home/alice/key", report.getvalue())


if __name__ == "__main__":
    unittest.main()
