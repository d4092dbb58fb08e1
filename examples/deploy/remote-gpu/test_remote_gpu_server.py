"""python3 -m unittest, in this folder. Needs nothing beside Python 3.10: no FastAPI, no model, no network."""

import asyncio
import json
import threading
import time
import unittest

from remote_gpu_server import (
    GenerateRequest,
    Model,
    Refusal,
    Reply,
    Service,
    Settings,
    Worker,
    cut_at_stop,
    is_driver_fault,
    may_ask,
    parse_request,
    read_at_most,
    refusal_of,
    room_for,
    sampling,
    written,
)

WAIT_S = 5.0
settings = Settings(model="tiny", queue_size=1, max_tokens=50, default_tokens=20, max_prompt_chars=10)


def parse(**fields):
    return parse_request(json.dumps(fields).encode(), settings)


def started(generate, settings=settings, clock=None, free=lambda: None):
    worker = Worker(lambda: Model(generate, free), settings, *([] if clock is None else [clock]))
    worker.start()
    asyncio.run(until(lambda: worker.status != "loading"))
    return worker


async def until(is_so):
    end = time.monotonic() + WAIT_S
    while not is_so():
        if time.monotonic() > end:
            raise TimeoutError("it never became so")
        await asyncio.sleep(0.001)


async def ask(service, body, authorization=None, is_gone=lambda: False):
    async def read_body():
        return body if isinstance(body, bytes) else json.dumps(body).encode()

    async def gone():
        return is_gone()

    return await service.generate(authorization, read_body, gone)


class Requests(unittest.TestCase):
    def test_has_defaults_and_an_upper_limit(self):
        self.assertEqual(parse(prompt="Hi"), GenerateRequest("Hi", 20))
        self.assertEqual(parse(prompt="Hi", max_tokens=10**9).max_tokens, 50)
        self.assertEqual(parse(prompt="Hi", max_tokens=7, temperature=None, stop=None), GenerateRequest("Hi", 7))

    def test_takes_every_field_that_the_router_sends_and_leaves_others(self):
        taken = parse(prompt="Hi", max_tokens=7, temperature=0, top_p=0.5, seed=1, stop=["a", ""], top_k=5)
        self.assertEqual(taken, GenerateRequest("Hi", 7, 0, 0.5, 1, ("a",)))
        self.assertEqual(parse(prompt="Hi", stop="a").stop, ("a",))

    def test_refuses_what_it_cannot_use_without_repeating_it(self):
        bad = [
            {"prompt": ""},
            {"prompt": 5},
            {},
            {"prompt": "Hi", "max_tokens": 0},
            {"prompt": "Hi", "max_tokens": True},
            {"prompt": "Hi", "max_tokens": 1.5},
            {"prompt": "Hi", "temperature": float("nan")},
            {"prompt": "Hi", "top_p": 1.1},
            {"prompt": "Hi", "seed": -1},
            {"prompt": "Hi", "stop": 5},
            {"prompt": "Hi", "stop": ["a"] * 17},
        ]
        for fields in bad:
            with self.subTest(fields=fields), self.assertRaises(Refusal) as caught:
                parse(**fields)
            self.assertEqual(caught.exception.status, 422)
        for body in (b"", b"[]", b"\xff", b"[" * 100_000):
            with self.subTest(body=body[:9]), self.assertRaises(Refusal) as caught:
                parse_request(body, settings)
            self.assertEqual(caught.exception.status, 422)
        with self.assertRaises(Refusal) as caught:
            parse(prompt="a secret prompt")
        self.assertEqual(caught.exception.status, 413)
        self.assertNotIn("secret", caught.exception.detail)

    def test_body_is_read_up_to_its_limit(self):
        async def chunks():
            yield b"1234"
            yield b"5678"

        self.assertEqual(asyncio.run(read_at_most(chunks(), 8)), b"12345678")
        with self.assertRaises(Refusal) as caught:
            asyncio.run(read_at_most(chunks(), 7))
        self.assertEqual(caught.exception.status, 413)


class Parts(unittest.TestCase):
    def test_settings_come_from_the_environment(self):
        env = {"REMOTE_GPU_MODEL": "mine", "REMOTE_GPU_PORT": "9", "REMOTE_GPU_TIMEOUT_S": " "}
        self.assertEqual(Settings.from_env(env), Settings(model="mine", port=9))
        for value in ("0", "-1", "1.5", "x", "²"):
            with self.subTest(value=value), self.assertRaisesRegex(ValueError, "REMOTE_GPU_PORT"):
                Settings.from_env({"REMOTE_GPU_PORT": value})

    def test_a_token_is_asked_for_only_where_one_is_set(self):
        self.assertTrue(may_ask(None, ""))
        self.assertTrue(may_ask("Bearer s3cret", "s3cret"))
        for wrong in (None, "", "Bearer ", "Bearer s3cre", "s3cret", "Bearer ü"):
            self.assertFalse(may_ask(wrong, "s3cret"))

    def test_samples_only_when_asked_to(self):
        self.assertEqual(sampling(GenerateRequest("Hi", 1)), {})
        self.assertEqual(sampling(GenerateRequest("Hi", 1, temperature=0)), {"do_sample": False})
        self.assertEqual(sampling(GenerateRequest("Hi", 1, top_p=0.5)), {"do_sample": True, "top_p": 0.5})

    def test_an_answer_ends_with_the_window(self):
        self.assertEqual(room_for(10, 50, None), 50)
        self.assertEqual(room_for(10, 50, 100), 50)
        self.assertEqual(room_for(90, 50, 100), 10)
        with self.assertRaises(Refusal) as caught:
            room_for(100, 50, 100)
        self.assertEqual(caught.exception.status, 400)

    def test_the_prompt_is_not_part_of_the_answer(self):
        self.assertEqual(written([1, 2, 3, 4, 5], 3), [4, 5])

    def test_ends_at_the_stop_sequence_that_comes_first(self):
        self.assertEqual(cut_at_stop("one two three", ["three", "two"]), "one ")
        self.assertEqual(cut_at_stop("one", ["two"]), "one")

    def test_a_failure_is_told_by_its_kind_and_never_by_its_text(self):
        class OutOfMemoryError(RuntimeError):
            pass

        full = [OutOfMemoryError("secret"), RuntimeError("CUDA error: out of memory (secret)"), MemoryError("secret")]
        for error in [*full, RuntimeError("CUBLAS_STATUS_ALLOC_FAILED, secret")]:
            self.assertRegex(refusal_of(error).detail, "^Out of memory")
            self.assertFalse(is_driver_fault(error))
        self.assertRegex(refusal_of(RuntimeError("CUDA error: device-side assert triggered, secret")).detail, "^CUDA error")
        self.assertEqual(refusal_of(ValueError("secret")).detail, "The generation failed with ValueError.")


class Answers(unittest.TestCase):
    def run_with(self, worker, scenario, settings=settings):
        try:
            return asyncio.run(scenario(Service(settings, worker)))
        finally:
            worker.stop()

    def test_health_answers_while_a_model_writes(self):
        began, finish = threading.Event(), threading.Event()

        def generate(request, _):
            began.set()
            finish.wait(WAIT_S)
            return request.prompt.upper()

        async def scenario(service):
            answer = asyncio.create_task(ask(service, {"prompt": "hi"}))
            await until(began.is_set)
            health = service.health(None)
            finish.set()
            return health, await answer

        health, answer = self.run_with(started(generate), scenario)
        self.assertEqual(health, Reply(200, {"status": "healthy", "model": "tiny"}))
        self.assertEqual(answer, Reply(200, {"content": "HI"}))

    def test_says_that_it_loads_and_that_it_could_not(self):
        for error, detail in ((OSError("secret"), "could not be loaded"), (RuntimeError("CUDA out of memory"), "Out of memory")):
            with self.subTest(error=error):
                self.fail_to_load(error, detail)

    def fail_to_load(self, error, detail):
        loaded = threading.Event()

        def load():
            loaded.wait(WAIT_S)
            raise error

        worker = Worker(load, settings)
        quiet, threading.excepthook = threading.excepthook, lambda _: None
        worker.start()
        service = Service(settings, worker)
        self.assertEqual(service.health(None).body["status"], "loading")
        early = asyncio.run(ask(service, {"prompt": "hi"}))
        loaded.set()
        worker._thread.join(WAIT_S)
        threading.excepthook = quiet
        self.assertEqual((early.status, early.headers), (503, {"Retry-After": "10"}))
        self.assertEqual(service.health(None).body["status"], "unhealthy")
        refused = asyncio.run(ask(service, {"prompt": "hi"}))
        self.assertEqual(refused.status, 500)
        self.assertIn(detail, refused.body["detail"])

    def test_a_full_queue_refuses_at_once(self):
        began, finish = threading.Event(), threading.Event()

        def generate(request, _):
            began.set()
            finish.wait(WAIT_S)
            return request.prompt

        async def scenario(service):
            first = asyncio.create_task(ask(service, {"prompt": "1"}))
            await until(began.is_set)
            second = asyncio.create_task(ask(service, {"prompt": "2"}))
            await asyncio.sleep(0.01)
            third = await ask(service, {"prompt": "3"})
            finish.set()
            return [await first, await second, third]

        first, second, third = self.run_with(started(generate), scenario)
        self.assertEqual((first.body, second.body), ({"content": "1"}, {"content": "2"}))
        self.assertEqual(third, Reply(503, {"detail": "The queue is full."}, {"Retry-After": "5"}))

    def test_memory_is_given_back_after_a_failure_and_the_next_request_served(self):
        freed = []

        def generate(request, _):
            if request.prompt == "big":
                raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")
            return "fine"

        async def scenario(service):
            return await ask(service, {"prompt": "big"}), len(freed), await ask(service, {"prompt": "small"}), service.health(None)

        failed, times, served, health = self.run_with(started(generate, free=lambda: freed.append(1)), scenario)
        self.assertEqual((failed.status, times), (500, 1))
        self.assertEqual(served.body, {"content": "fine"})
        self.assertEqual(health.body["status"], "healthy")

    def test_a_broken_gpu_is_unhealthy_from_then_on(self):
        def generate(request, _):
            raise RuntimeError("CUDA error: an illegal memory access was encountered")

        async def scenario(service):
            return await ask(service, {"prompt": "1"}), service.health(None), await ask(service, {"prompt": "2"})

        first, health, second = self.run_with(started(generate), scenario)
        self.assertEqual((first.status, health.body["status"], second.status), (500, "unhealthy", 503))

    def test_a_model_is_stopped_when_its_time_is_over(self):
        now = [0.0]

        def generate(request, should_stop):
            before = should_stop()
            now[0] = 90.0
            return f"{before} {should_stop()}"

        async def scenario(service):
            return await ask(service, {"prompt": "hi"})

        answer = self.run_with(started(generate, clock=lambda: now[0]), scenario)
        self.assertEqual((answer.status, answer.body), (504, {"detail": "Generation timeout reached: 90 s."}))

    def test_a_request_that_waited_too_long_never_reaches_the_model(self):
        now, began, finish, reached = [0.0], threading.Event(), threading.Event(), []

        def generate(request, _):
            reached.append(request.prompt)
            began.set()
            finish.wait(WAIT_S)
            return ""

        async def scenario(service):
            first = asyncio.create_task(ask(service, {"prompt": "1"}))
            await until(began.is_set)
            second = asyncio.create_task(ask(service, {"prompt": "2"}))
            await asyncio.sleep(0.01)
            now[0] = 90.0
            finish.set()
            return (await first).status, (await second).status

        self.assertEqual(self.run_with(started(generate, clock=lambda: now[0]), scenario), (504, 504))
        self.assertEqual(reached, ["1"])

    def test_a_model_is_stopped_when_its_client_leaves(self):
        stopped = threading.Event()

        def generate(request, should_stop):
            asyncio.run(until(should_stop))
            stopped.set()
            return ""

        async def scenario(service):
            return await ask(service, {"prompt": "hi"}, is_gone=lambda: True)

        answer = self.run_with(started(generate), scenario)
        self.assertEqual(answer.status, 499)
        self.assertTrue(stopped.wait(WAIT_S))

    def test_asks_for_the_token_on_both_routes(self):
        guarded = Settings(model="tiny", token="s3cret")

        async def scenario(service):
            return [
                service.health(None).status,
                service.health("Bearer s3cret").status,
                (await ask(service, {"prompt": "hi"})).status,
                (await ask(service, {"prompt": "hi"}, "Bearer s3cret")).status,
            ]

        self.assertEqual(self.run_with(started(lambda *_: ""), scenario, guarded), [401, 200, 401, 200])


if __name__ == "__main__":
    unittest.main()
